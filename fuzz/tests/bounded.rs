//! The targets on stable Rust: the unchanged seeds, and simple mutations of them. `BELLJAR_FUZZ=N` runs N mutations
//! for each target.

use std::fs;
use std::path::Path;

/// A deterministic random number generator.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits fit") % sides.max(1)
    }

    /// Applies a few changes of the kinds that find most: changed bytes, removed pieces, pieces of other seeds
    /// inserted.
    fn mutate(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = seeds[self.roll(seeds.len())].clone();
        for _ in 0..=self.roll(6) {
            let at = self.roll(bytes.len() + 1);
            let length = self.roll(16).min(bytes.len() - at);
            match self.roll(5) {
                0 if at < bytes.len() => bytes[at] = u8::try_from(self.roll(256)).expect("a byte"),
                1 => bytes.truncate(at),
                2 => drop(bytes.drain(at..at + length)),
                3 => {
                    let copy = bytes[at..at + length].to_vec();
                    let to = self.roll(bytes.len() + 1);
                    bytes.splice(to..to, copy);
                }
                _ => {
                    let other = &seeds[self.roll(seeds.len())];
                    let from = self.roll(other.len() + 1);
                    let to = from + self.roll(40).min(other.len() - from);
                    bytes.splice(at..at, other[from..to].iter().copied());
                }
            }
        }
        bytes
    }
}

fn run(name: &str, mutations: usize, target: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(name);
    let mut paths: Vec<_> =
        fs::read_dir(folder).expect("there are seeds").flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let seeds: Vec<Vec<u8>> = paths.iter().map(|path| fs::read(path).expect("a seed can be read")).collect();
    assert!(!seeds.is_empty(), "{name} has no seeds");
    seeds.iter().for_each(|seed| target(seed));
    let mutations = std::env::var("BELLJAR_FUZZ").map_or(mutations, |number| number.parse().expect("a number"));
    let mut dice = Dice(1);
    for number in 0..mutations {
        let input = dice.mutate(&seeds);
        if let Err(panic) = std::panic::catch_unwind(|| target(&input)) {
            eprintln!("{name}, mutation {number}: {:?}", String::from_utf8_lossy(&input));
            std::panic::resume_unwind(panic);
        }
    }
    eprintln!("{name}: {} executions", seeds.len() + mutations);
}

#[test]
fn eval_survives_its_seeds_and_their_mutations() {
    run("eval", 300, belljar_fuzz::eval);
}

#[test]
fn guest_survives_its_seeds_and_their_mutations() {
    run("guest", 2000, belljar_fuzz::guest);
}

#[test]
fn program_survives_its_seeds_and_their_mutations() {
    run("program", 500, belljar_fuzz::program);
}

#[test]
fn snapshot_survives_its_seeds_and_their_mutations() {
    run("snapshot", 500, belljar_fuzz::snapshot);
}

#[test]
fn json_survives_its_seeds_and_their_mutations() {
    run("json", 2000, belljar_fuzz::json);
}

#[test]
fn protocol_survives_its_seeds_and_their_mutations() {
    run("protocol", 100, belljar_fuzz::protocol);
}

#[test]
fn typescript_survives_its_seeds_and_their_mutations() {
    run("typescript", 5000, belljar_fuzz::typescript);
}

#[test]
fn value_survives_its_seeds_and_their_mutations() {
    run("value", 2000, belljar_fuzz::value);
}
