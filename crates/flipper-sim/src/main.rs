fn main() {
    for seed in 1..=std::env::args().nth(1).and_then(|a| a.parse().ok()).unwrap_or(10) {
        let seed = std::env::var("FLIPPER_SIM_SEED").map_or(seed, |s| s.parse().unwrap());
        match flipper_sim::live(seed, std::env::var("TELL").is_ok()) {
            Ok(life) => println!("{seed} {life:?}"),
            Err(error) => println!("{error}"),
        }
    }
}
