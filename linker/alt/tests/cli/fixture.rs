//! An image with our own records, and what its sites must hold.

use std::path::{Path, PathBuf};

use tempfile::TempDir;
use test_support::{Cross, Image, workspace};

pub const NOP: u32 = 0xd503_201f;

/// The image, in a folder of its own, with a space in its name.
pub struct Fixture {
    pub dir: TempDir,
    pub image: Image,
}

/// Which of LSE and PAN are there.
#[derive(Clone, Copy, Debug)]
pub struct Has {
    pub lse: bool,
    pub pan: bool,
}

/// `always` fills two sites by callbacks; these are the words given for them, if any.
pub const ANSWERS: &str = "\
    CONDUIT = [0xd4000003]                          # smc #0\n\
    COUNT = [[0xd2800300, 0x1f], [0xd2800320, 0x1f]]  # mov xN, #24; mov xN, #25\n";

impl Fixture {
    /// Compiles and links kernel.rs; says that `test` is skipped where that is not possible.
    pub fn new(test: &str) -> Option<Self> {
        let cross = Cross::new(test)?;
        let dir = TempDir::new().unwrap();
        alt_linker::write_scripts(dir.path()).unwrap();
        let sources = workspace().join("linker/alt/tests/cli/own");
        let path = dir.path().join("a kernel");
        let mut rustc = cross.rustc();
        rustc
            .arg(sources.join("kernel.rs"))
            .arg("-o")
            .arg(&path)
            .env("CARGO_MANIFEST_DIR", &sources)
            .args(["-Copt-level=2", "-Cpanic=abort", "-L"])
            .arg(dir.path());
        let script = sources.join("kernel.ld");
        rustc.arg(format!("-Clink-arg=-T{}", script.display()));
        let output = rustc.output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{errors}");
        let image = Image::open(&path).unwrap();
        Some(Self { dir, image })
    }

    pub fn path(&self) -> &Path {
        self.image.path()
    }

    /// A file in the same folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file in the same folder.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.file(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    pub fn symbol(&self, name: &str) -> u64 {
        self.image.symbol(name).unwrap()
    }

    /// The sites and their words: as GNU as has them, branches by the formulas of the Arm ARM
    /// (C6.2.26 B, C6.2.34 BL, C6.2.379 TBZ).
    pub fn expected(&self, has: Has, answered: bool) -> Vec<(&'static str, Vec<u32>)> {
        let words_to_outside = |site: &str| {
            let bytes = self.symbol("outside") - self.symbol(site);
            u32::try_from(bytes / 4).unwrap()
        };
        let Has { lse, pan } = has;
        let pick = |there: bool, new: &[u32], old: &[u32]| if there { new } else { old }.to_vec();
        // mov x0, xN
        let moves: Vec<u32> = (1..=5).map(|n| 0xaa00_03e0 | n << 16).collect();
        vec![
            (
                "long_pad",
                pick(lse, &[0xf8e1_0062, 0x1400_0004, NOP, NOP, NOP], &moves),
            ),
            (
                "short_pad",
                pick(pan, &[0xd500_419f, NOP, NOP], &moves[..3]),
            ),
            (
                "arms",
                vec![match (lse, pan) {
                    (true, true) => 0xd280_0060,
                    (true, false) => 0xd280_0020,
                    (false, true) => 0xd280_0040,
                    (false, false) => 0xd280_0000,
                }],
            ),
            ("negated", pick(lse, &[0xd280_0000], &[0xd280_0080])),
            (
                "near",
                pick(pan, &[0xb618_0001 | words_to_outside("near") << 5], &[NOP]),
            ),
            (
                "call",
                pick(lse, &[0x9400_0000 | words_to_outside("call")], &[NOP]),
            ),
            (
                "branch_if",
                pick(pan, &[0x1400_0000 | words_to_outside("branch_if")], &[NOP]),
            ),
            (
                "branch_unless",
                pick(
                    pan,
                    &[NOP],
                    &[0x1400_0000 | words_to_outside("branch_unless")],
                ),
            ),
            ("conduit", pick(answered, &[0xd400_0003], &[0xd400_0002])),
            (
                "count",
                pick(
                    answered,
                    &[0xd280_0305, 0xd280_0326],
                    &[0xd280_0005, 0xd280_0006],
                ),
            ),
            ("nops", pick(pan, &[NOP, NOP], &moves[..2])),
            ("open", vec![NOP]),
            ("init", pick(pan, &[0xd280_0100], &[NOP])),
        ]
    }

    /// The bytes of the section, with these words in it; nothing of it comes from `alt`.
    pub fn memory(&self, section: &str, sites: &[(&str, Vec<u32>)]) -> Vec<u8> {
        let range = self.range(section);
        let len = usize::try_from(range.end - range.start).unwrap();
        let mut bytes = self.image.bytes(range.start, len).unwrap().to_vec();
        for (name, words) in sites {
            let site = self.symbol(name);
            for (address, word) in (site..).step_by(4).zip(words) {
                if range.contains(&address) {
                    poke(&mut bytes, range.start, address, *word);
                }
            }
        }
        bytes
    }

    pub fn range(&self, section: &str) -> std::ops::Range<u64> {
        self.image.section(section).unwrap().range.clone()
    }
}

/// Changes a word of a dump.
pub fn poke(bytes: &mut [u8], base: u64, address: u64, word: u32) {
    let offset = usize::try_from(address - base).unwrap();
    bytes[offset..offset + 4].copy_from_slice(&word.to_le_bytes());
}

/// The word of an image.
pub fn word(image: &Image, address: u64) -> u32 {
    u32::from_le_bytes(image.bytes(address, 4).unwrap().try_into().unwrap())
}

/// The image's file with other words, found by its program headers (ELF-64, figure 6).
pub fn file_with(image: &Image, words: impl IntoIterator<Item = (u64, u32)>) -> Vec<u8> {
    let mut file = image.file().to_vec();
    let at =
        |offset: usize| u64::from_le_bytes(image.file()[offset..offset + 8].try_into().unwrap());
    let headers = usize::try_from(at(32)).unwrap();
    let count = usize::try_from(at(56) & 0xffff).unwrap();
    for (address, word) in words {
        let segment = (0..count)
            .map(|index| headers + 56 * index)
            .find_map(|header| {
                let (offset, start, size) = (at(header + 8), at(header + 16), at(header + 32));
                let is_load = at(header) & 0xffff_ffff == 1;
                let inside = is_load && (start..start + size).contains(&address);
                inside.then(|| offset + address - start)
            });
        let offset = usize::try_from(segment.expect("it is loaded")).unwrap();
        file[offset..offset + 4].copy_from_slice(&word.to_le_bytes());
    }
    file
}
