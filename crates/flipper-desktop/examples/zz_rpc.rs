//! t
use std::time::Instant;
use flipper_desktop::{Desktop, Event};
use flipper_desktop::proto::Payload;
use flipper_tokio::Flipper;
#[tokio::main]
async fn main() {
    let dir = tempfile::tempdir().unwrap();
    let mut b = Desktop::builder().any_ports().in_memory_authority();
    let mut ev = b.events();
    let d = b.start().await.unwrap();
    let p = d.ports();
    let _app = Flipper::builder("a","com.example.a").ports(p.insecure,p.secure).directory(dir.path().join("a")).plugin(flipper_sample::example()).start().unwrap();
    let client = loop { if let Some(Event::PluginsChanged{client,..}) = ev.next().await { break client } };
    for (size, inflights) in [(100usize, vec![1usize,16,64]), (100_000, vec![1,16,64])] {
      let params = Payload::serialize(&"x".repeat(size)).unwrap();
      for n in inflights {
        let total = if size > 1000 { 3000 } else { 60000 };
        let begin = Instant::now();
        let tasks: Vec<_> = (0..n).map(|_| { let d=d.clone(); let c=client.clone(); let params=params.clone(); tokio::spawn(async move { for _ in 0..total/n { d.call(&c,"Example","echo",Some(params.clone())).await.unwrap(); } }) }).collect();
        for t in tasks { t.await.unwrap(); }
        println!("{size} B, {n} in flight: {:.0}/s", total as f64 / begin.elapsed().as_secs_f64());
      }
    }
    let begin = Instant::now();
    for _ in 0..20 {
        d.call(&client,"Example","emit",Some(Payload::from_json(r#"{"count":5000,"size":1000}"#).unwrap())).await.unwrap();
        let mut rows = 0; while rows < 5000 { if let Some(Event::Message{..}) = ev.next().await { rows += 1 } }
    }
    println!("events 1 KB: {:.0}/s", 100_000.0 / begin.elapsed().as_secs_f64());
}
