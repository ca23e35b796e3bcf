//! Files of text that say what cannot be: each error names the place.

use alt_image::caps::ids::{self, At, IdsError};
use alt_image::caps::{Caps, CapsError};
use alt_image::diff::{DiffError, Memory, Selection, compare};
use alt_image::image::Image;
use alt_image::patching::{AnswerError, Answers, ExpectError, Expectation, Word};
use alt_image::records::Records;
use alt_image::rewritten::Rewritten;
use alt_runtime::cap::CapSet;
use alt_verify::seal::Seal;

use crate::elf::{self, TEXT};

#[test]
fn ids_with_unknown_registers() {
    let at = |line| At {
        file: "ids".into(),
        line,
    };
    for (text, line) in [
        ("MIDR_EL1=0x410fd034\nID_AA64FOO_EL1=0x1\n", 2),
        ("boot\n[INFO ] idreg ID_AA64FOO_EL1=0x1\n", 2),
        ("\n[[machine]]\nID_AA64FOO_EL1 = \"0x1\"\n", 3),
    ] {
        assert_eq!(
            ids::read("ids", text).unwrap_err(),
            IdsError::UnknownRegister {
                at: at(line),
                name: "ID_AA64FOO_EL1".into()
            }
        );
    }
}

/// What takes a walk over the text for each entry takes minutes for these.
#[test]
fn long_files_are_read_in_time() {
    let started = std::time::Instant::now();
    let machines = "[[machine]]\nMIDR_EL1 = \"0x1\"\n".repeat(20_000);
    assert_eq!(ids::read("ids", &machines).unwrap().len(), 20_000);
    let words: String = (0..50_000).map(|n| format!("cb{n} = [1]\n")).collect();
    assert!(Answers::from_toml(&words).is_ok());
    let took = started.elapsed();
    assert!(took.as_secs() < 20, "{took:?}");
}

#[test]
fn answers_that_make_no_sense() {
    let read = |text: &str| Answers::from_toml(text).unwrap_err();
    let syntax = read("A = [");
    assert!(matches!(syntax, AnswerError::Syntax(_)), "{syntax}");
    let shape = |line| AnswerError::Shape {
        name: "A".into(),
        line,
    };
    for bad in [
        "1",
        "[\"nop\"]",
        "[-1]",
        "[0x1_0000_0000]",
        "[[1]]",
        "[[1, 2, 3]]",
        "[1.5]",
    ] {
        assert_eq!(read(&format!("\nA = {bad}")), shape(2), "{bad}");
    }
    assert_eq!(
        read("A = [0]\nB = [[0x1f, 3]]"),
        AnswerError::Bits {
            name: "B".into(),
            line: 2,
            value: 0x1f,
            keep: 3
        }
    );

    let image = Image::parse(elf::image().bytes()).unwrap();
    let records = Records::find(&image, None).unwrap();
    let mut answers = Answers::none();
    let nop = Word {
        value: 0xd503_201f,
        keep: 0,
    };
    answers.set("demo::main+0x14", vec![nop; 2]);
    let caps = Caps::from_section(image.contents(image.section(Caps::SECTION).unwrap())).unwrap();
    let expected = Expectation::new(&image, &records, caps[0].table(), &CapSet::ALL, &answers);
    assert_eq!(
        expected.unwrap_err(),
        ExpectError::Answer(AnswerError::Length {
            name: "demo::main+0x14".into(),
            given: 2,
            site: TEXT + 20,
            len: 1
        })
    );
}

#[test]
fn no_seal() {
    for text in [
        "",
        "{",
        "[]",
        "{\"sections\": []}",
        "{\"sections\":[],\"sites\":[],\"more\":1}",
    ] {
        let error = Seal::from_json(text).unwrap_err();
        assert!(error.starts_with("not a seal: "), "{error}");
    }
}

#[test]
fn no_cpucaps() {
    let error = Caps::from_toml("caps.toml", "[LSE]\nscope = \"sytem\"\n").unwrap_err();
    let CapsError::File(errors) = error else {
        panic!("{error}")
    };
    let of_scope = |error: &String| error.starts_with("caps.toml:2:9: ");
    assert!(errors.iter().any(of_scope), "{errors:?}");
    let section = |bytes: &[u8]| Caps::from_section(bytes).unwrap_err();
    for (bytes, at) in [
        (&b""[..], 0),
        (b"abc", 0),
        (b"\0", 0),
        (b"\xff\0", 0),
        (b"\0x\0", 1),
    ] {
        let error = section(bytes);
        let CapsError::Section { offset, .. } = error else {
            panic!("{error}")
        };
        assert_eq!(offset, at, "{bytes:?}");
    }
}

#[test]
fn dump_of_other_memory() {
    let image = Image::parse(elf::image().bytes()).unwrap();
    let records = Records::find(&image, None).unwrap();
    let caps = Caps::from_section(image.contents(image.section(Caps::SECTION).unwrap())).unwrap();
    let table = caps[0].table();
    let expected =
        Expectation::new(&image, &records, table, &CapSet::ALL, &Answers::none()).unwrap();
    let error = |base, bytes: &[u8]| {
        let memory = Memory { base, bytes };
        compare(
            &image,
            &records,
            &expected,
            &Rewritten::default(),
            &[memory],
            &Selection::default(),
        )
        .unwrap_err()
    };
    for (base, len) in [
        (0, 0),
        (TEXT + 32, 8),
        (u64::MAX, 8),
        (u64::MAX - 3, 8),
        (TEXT, 0),
    ] {
        let found = error(base, &vec![0; len]);
        let DiffError::Elsewhere { dump, text } = &found else {
            panic!("{base:#x}: {found}")
        };
        assert!(dump.contains(&format!("{base:#x}")), "{base:#x}: {dump}");
        assert!(text.contains("0x40200000"), "{text}");
    }
    let found = error(TEXT, &[0; 7]);
    let DiffError::Partial { site, section, .. } = &found else {
        panic!("{found}")
    };
    assert_eq!((*site, section.as_str()), (TEXT + 4, ".text"));
}
