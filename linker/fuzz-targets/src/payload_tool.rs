//! A livepatch payload as `alt` reads it: verified, shown, and compared with memory.

use std::io;
use std::sync::LazyLock;

use alt_image::image::Image;
use alt_livepatch::archive::BuildId;
use alt_livepatch::payload::{Applied, InMemory, Summary};
use alt_livepatch::verify;
use alt_runtime::cap::CapSet;
use alt_runtime::livepatch::Payload;
use alt_runtime::patch::Decision;
use test_support::TinyElf;

/// The image that the seeds are for: that of the tests of `alt-livepatch`.
static IMAGE: LazyLock<(Image, BuildId)> = LazyLock::new(|| {
    const NOP: u32 = 0xd503_201f;
    const RET: u32 = 0xd65f_03c0;
    let mut note = b"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0".to_vec();
    note.extend(1..=20);
    let elf = TinyElf::new(&[NOP, NOP, RET, RET, NOP, RET, RET, RET]);
    let elf = elf.section(".note.gnu.build-id", TinyElf::TEXT + 0x1000, &note);
    let image = Image::parse(elf.bytes()).expect("a good image");
    let id = BuildId::of(&image).expect("a build id");
    (image, id)
});

/// Addresses of a payload: near the text; where no branch reaches; the first and the last ones.
const BASES: [u64; 4] = [TinyElf::TEXT + 0x10_0000, 1 << 40, 0, !0xffff];

/// Reads data that may be a payload, as `alt verify`, `alt livepatch show` and `alt diff` do.
pub fn payload_tool(data: &[u8]) {
    let (image, id) = &*IMAGE;
    verify::is_payload(data);
    let findings = verify::verify(data, Some(image), Some(data));
    let Ok(payload) = Payload::parse(data) else {
        assert_eq!(findings.len(), 1, "the parser stops at the first error");
        return;
    };
    for known in [None, Some((image, *id))] {
        let summary = Summary::new(data, &payload, known);
        assert_eq!(summary.functions.len(), payload.functions().count());
        serde_json::to_writer(io::sink(), &summary).expect("numbers and texts are JSON");
    }
    for base in BASES {
        at(data, &payload, base);
    }
}

/// The payload as it is compared with memory, if it is applied at `base`.
fn at(data: &[u8], payload: &Payload<'_>, base: u64) {
    let (image, id) = &*IMAGE;
    if let Ok(memory) = InMemory::new(data, payload, base, id.anchor) {
        let decision = Decision {
            table: crate::names_of_all(),
            present: &CapSet::ALL,
            decided: &CapSet::ALL,
        };
        if let Ok(words) = memory.patched(decision) {
            assert!(words.len() >= memory.text().count());
        }
    }
    let Ok(all) = Applied::all(image, [(data, Some(base))]) else {
        return;
    };
    for applied in &all {
        applied.label(base);
        let Ok(branches) = applied.branches() else {
            continue;
        };
        let word = |place| {
            let branch = branches.iter().find(|(at, _)| *at == place);
            branch.map(|(_, word)| *word)
        };
        let mut again = Applied::all(image, [(data, None)]).expect("as before");
        for again in &mut again {
            let found = again.find(word, |_| false);
            assert!(found.is_ok(), "{found:?}");
            let expected = (!branches.is_empty()).then_some(base);
            assert_eq!(again.base, expected, "the branches lead to the payload");
        }
    }
}
