//! Tasks, processes and the clock.

use std::future::{pending, poll_fn};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use flipper_async::Runtime as _;
use flipper_sim::{Config, Sim, Stuck};

use crate::rig::secs;

#[test]
fn an_hour_takes_no_time() {
    let sim = Sim::new(1);
    let process = sim.process("p");
    let order: Arc<Mutex<Vec<u64>>> = Arc::default();
    for hours in [3, 1, 2] {
        let (here, order) = (process.clone(), Arc::clone(&order));
        process.spawn(async move {
            here.sleep(secs(hours * 3_600)).await;
            order.lock().unwrap().push(hours);
        });
    }
    let begin = process.now();
    sim.run(process.sleep(secs(4 * 3_600))).unwrap();
    assert_eq!((sim.now(), process.now() - begin), (secs(4 * 3_600), secs(4 * 3_600)));
    assert_eq!(*order.lock().unwrap(), [1, 2, 3]);
    assert_eq!(process.tasks(), 0);
}

#[test]
fn who_waits_for_nothing_is_told() {
    let sim = Sim::new(1);
    assert_eq!(sim.run(pending::<()>()), Err(Stuck::Deadlock { at: Duration::ZERO }));
}

#[test]
fn who_spins_is_told() {
    let mut config = Config::default();
    config.steps_at_once = 1_000;
    let sim = Sim::with(1, config);
    let process = sim.process("p");
    process.spawn(poll_fn(|cx| {
        cx.waker().wake_by_ref();
        Poll::Pending
    }));
    let stuck = sim.run(process.sleep(secs(1))).unwrap_err();
    assert_eq!(stuck, Stuck::Spins { at: Duration::ZERO, steps: 1_001 });
    assert!(stuck.to_string().contains("spin"), "{stuck}");
}

#[test]
fn who_never_ends_is_told() {
    let mut config = Config::default();
    config.longest_run = secs(10);
    let sim = Sim::with(1, config);
    let process = sim.process("p");
    let stuck = sim.run(async {
        loop {
            process.sleep(secs(1)).await;
        }
    });
    assert_eq!(stuck, Err::<(), _>(Stuck::Endless { after: secs(11) }));
}

#[test]
fn a_frozen_process_does_nothing_until_it_goes_on() {
    let sim = Sim::new(1);
    let (frozen, other) = (sim.process("frozen"), sim.process("other"));
    let ticks = Arc::new(AtomicU64::new(0));
    let (here, counter) = (frozen.clone(), Arc::clone(&ticks));
    frozen.spawn(async move {
        loop {
            here.sleep(secs(1)).await;
            counter.fetch_add(1, Ordering::Relaxed);
        }
    });
    sim.run(async {
        other.sleep(Duration::from_millis(2_500)).await;
        frozen.freeze();
        other.sleep(secs(100)).await;
        assert_eq!(ticks.load(Ordering::Relaxed), 2);
        frozen.thaw();
        other.sleep(Duration::from_millis(1)).await;
        assert_eq!(ticks.load(Ordering::Relaxed), 3, "the timer went off meanwhile, once");
    })
    .unwrap();
}

#[test]
fn what_a_killed_process_held_is_dropped() {
    struct Noted(Arc<AtomicU64>);
    impl Drop for Noted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let sim = Sim::new(1);
    let process = sim.process("p");
    let dropped = Arc::new(AtomicU64::new(0));
    for _ in 0..3 {
        let held = Noted(Arc::clone(&dropped));
        process.spawn(async move {
            let _held = held;
            pending::<()>().await;
        });
    }
    let other = sim.process("q");
    sim.run(other.sleep(secs(1))).unwrap();
    assert_eq!(process.tasks(), 3);
    process.kill();
    assert_eq!((process.tasks(), dropped.load(Ordering::Relaxed)), (0, 3));
    let late = Noted(Arc::clone(&dropped));
    process.spawn(async move { drop(late) });
    assert_eq!((process.tasks(), dropped.load(Ordering::Relaxed)), (0, 4), "nothing runs any more");
}

#[test]
fn work_goes_on_though_nobody_waits_for_it() {
    let mut config = Config::default();
    config.longest_work = secs(1);
    let sim = Sim::with(1, config);
    let process = sim.process("p");
    let done = Arc::new(AtomicU64::new(0));
    let work = |done: &Arc<AtomicU64>| {
        let done = Arc::clone(done);
        move || done.fetch_add(1, Ordering::Relaxed)
    };
    sim.run(async {
        drop(process.unblock(work(&done)));
        assert_eq!(process.unblock(work(&done)).await, done.load(Ordering::Relaxed) - 1);
        process.sleep(secs(1)).await;
    })
    .unwrap();
    assert_eq!(done.load(Ordering::Relaxed), 2);
    assert!(sim.now() > secs(1), "work took no time");
}

#[test]
fn calendars_go_with_the_clock_until_they_are_set() {
    let sim = Sim::new(1);
    let (one, two) = (sim.calendar(), sim.calendar());
    let (clock, other) = (one.clock(), two.clock());
    let begin = clock.now().as_unix_millis();
    assert_eq!(begin, other.now().as_unix_millis());
    sim.run(sim.process("p").sleep(secs(5))).unwrap();
    assert_eq!(clock.now().as_unix_millis(), begin + 5_000);
    one.set_forward(secs(60));
    assert_eq!((clock.now().as_unix_millis(), other.now().as_unix_millis()), (begin + 65_000, begin + 5_000));
    one.set_back(secs(120));
    assert_eq!(clock.now().as_unix_millis(), begin - 55_000);
    one.set_to(&two);
    assert_eq!(clock.now(), other.now());
}
