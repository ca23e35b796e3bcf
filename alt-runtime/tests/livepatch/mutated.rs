//! Payloads in which something is changed at random: refused, or loaded, applied and reverted; no
//! panic, no memory left, no other text.

use std::panic::{AssertUnwindSafe, catch_unwind};

use alt_runtime::livepatch::{Livepatch, Payload};
use test_support::payload::{HEADER, Payload as Maker};

use crate::file::rich;
use crate::kernel::{Fake, IMAGE, RET};
use crate::load::states;

/// Random numbers that are the same in each run (xorshift64*).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 16) as usize % bound
    }
}

/// Values at which fields break.
const EDGES: [u64; 14] = [
    0,
    1,
    2,
    3,
    4,
    7,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_fffc,
    0xffff_ffff,
    0x7fff_ffff_ffff_ffff,
    u64::MAX - 3,
    u64::MAX,
    0x1_0000,
];

/// The seeds of the fuzz target `payload`; `BLESS=1` writes them anew.
#[test]
#[cfg_attr(miri, ignore = "reads files")]
fn seeds_of_the_fuzz_target() {
    let mut small = Maker::new(2, IMAGE);
    small.text = vec![RET];
    small.hooks[0] = 0;
    let folder = test_support::workspace().join("linker/fuzz/corpus/payload");
    for (name, payload) in [("rich", rich()), ("small", small)] {
        let (path, file) = (folder.join(name), payload.build());
        if std::env::var_os("BLESS").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, &file).unwrap();
        }
        let seed = std::fs::read(&path).unwrap();
        assert!(seed == file, "{} is old: BLESS=1", path.display());
        assert!(use_it(&file), "{name} is accepted");
    }
}

/// Loads what may be a payload, and uses it.
fn use_it(file: &[u8]) -> bool {
    let (livepatch, mut kernel) = (Livepatch::<2>::new(), Fake::new());
    let text = kernel.text();
    // SAFETY: nothing executes it.
    let loaded = unsafe { livepatch.load(&mut kernel, file) };
    assert_eq!(loaded.is_ok() as usize, kernel.blocks());
    let Ok(id) = loaded else {
        return false;
    };
    livepatch.list(|status| assert!(!status.name.is_empty()));
    for at in (0..0x100).step_by(4) {
        livepatch.lookup(crate::kernel::PAYLOADS + at, |symbol| {
            symbol.function.map(str::len)
        });
    }
    if livepatch.apply(&mut kernel, &id).is_ok() {
        livepatch.revert(&mut kernel, &id).unwrap();
    }
    assert_eq!(kernel.text(), text);
    livepatch.unload(&mut kernel, &id).unwrap();
    assert_eq!((kernel.blocks(), states(&livepatch).len()), (0, 0));
    true
}

fn check(file: &[u8], what: &str) -> bool {
    catch_unwind(AssertUnwindSafe(|| use_it(file))).unwrap_or_else(|_| panic!("{what}: panicked"))
}

/// Each field of 1, 2, 4 and 8 bytes of headers and tables, with each value at which fields break.
#[test]
fn b22_every_field_at_its_edges() {
    let file = rich().build();
    let content = 64 + 4 * 56;
    let description = file.len() - (HEADER + 2 * 36 + 2 * 4 + 8 + 16 + 16 + 9);
    assert_eq!(file[description..description + 8], *b"altpatch");
    let places = (0..content).chain(description..file.len());
    let (mut accepted, mut refused) = (0, 0);
    let edges = if cfg!(miri) { &EDGES[..2] } else { &EDGES[..] };
    for place in places {
        for size in [1, 2, 4, 8] {
            if !place.is_multiple_of(size) || place + size > file.len() {
                continue;
            }
            for edge in edges {
                let mut file = file.clone();
                file[place..place + size].copy_from_slice(&edge.to_le_bytes()[..size]);
                match check(&file, &format!("{place:#x}, {size} bytes of {edge:#x}")) {
                    true => accepted += 1,
                    false => refused += 1,
                }
            }
        }
    }
    assert!(accepted != 0 && refused > accepted, "{accepted} {refused}");
}

#[test]
fn b22_random_changes() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let original = rich().build();
    let runs = if cfg!(miri) { 8 } else { 30_000 };
    let (mut accepted, mut parsed) = (0, 0);
    for run in 0..runs {
        let mut file = original.clone();
        for _ in 0..=random.below(4) {
            let place = random.below(file.len());
            match random.below(6) {
                0 => file[place] ^= 1 << random.below(8),
                1 => file[place] = random.next() as u8,
                2 => file.truncate(place.max(1)),
                3 => {
                    let size = 1 << random.below(4);
                    let edge = EDGES[random.below(EDGES.len())].to_le_bytes();
                    let end = (place + size).min(file.len());
                    file[place..end].copy_from_slice(&edge[..end - place]);
                }
                4 => {
                    // A word of the file at another place.
                    let from = random.below(file.len());
                    let len = 8.min(file.len() - from.max(place));
                    file.copy_within(from..from + len, place);
                }
                _ => file.extend((0..place % 64).map(|_| random.next() as u8)),
            }
        }
        parsed += usize::from(Payload::parse(&file).is_ok());
        accepted += usize::from(check(&file, &format!("run {run}")));
    }
    // The changes are small enough for some of them to get far.
    assert!(cfg!(miri) || accepted != 0 && parsed != 0 && accepted < runs);
}
