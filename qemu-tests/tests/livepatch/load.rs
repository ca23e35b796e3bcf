//! Loading: what is kept, and what is refused.

use super::session::*;
use alt_runtime::livepatch::format::{BASE_IMAGE, Relocation};

guest_test!(
    /// Behaviour 19.
    a_good_payload_is_loaded_and_not_active, {
        let payload = kernel().returning("good", &[FIRST, SECOND], 2);
        let session = Setup::new(&[&payload], "load:0,call,unload:0,calls").run();
        assert_eq!(session.results(), ["load:0: ok", "unload:0: ok"]);
        assert_eq!(session.versions(), [[1; 5]]);
        assert_eq!(session.notes("executable pages="), ["1", "0"]);
        assert_eq!(session.calls()[1..], [0, 0]);
        session.assert_text_is_back();
    }
);

guest_test!(
    /// Behaviour 20.
    a_payload_for_another_image_is_refused, {
        let mut payload = kernel().returning("other", &[FIRST], 2);
        payload.image[3] ^= 1;
        let session = Setup::new(&[&payload], "load:0,call").run();
        assert_refused(&session, "image");
    }
);

guest_test!(
    /// Behaviour 21.
    the_same_payload_twice_is_refused, {
        let payload = kernel().returning("twice", &[FIRST], 2);
        let session = Setup::new(&[&payload, &payload], "load:0,load:1,call,unload:0").run();
        let results = session.results();
        assert_eq!((results[0], results[2]), ("load:0: ok", "unload:0: ok"));
        assert!(results[1].contains("already"), "{results:?}");
        assert_eq!(session.notes("executable pages="), ["1", "1", "0"]);
        session.assert_text_is_back();
    }
);

guest_test!(
    /// Behaviours 22 and 23, the part of a running kernel: it refuses, keeps nothing, and runs on.
    files_that_are_no_payloads_are_refused, {
        let good = kernel().returning("cut", &[FIRST], 2).to_bytes(kernel().anchor);
        let mut files = vec![b"not a payload".to_vec(), good[..good.len() - 4].to_vec()];
        // The executable segment becomes writable: p_flags of the first program header.
        let mut writable = good.clone();
        writable[64 + 4] |= 2;
        files.push(writable);
        // R_AARCH64_CALL26 to a place 1 GiB away.
        let mut far = kernel().payload("far");
        far.functions = vec![kernel().replace(FIRST, [vec![0x9400_0000], returns(2)].concat())];
        far.relocations = vec![Relocation::new(0, 283, BASE_IMAGE, 1 << 30)];
        files.push(far.to_bytes(kernel().anchor));
        let commands = "load:0,load:1,load:2,load:3,call";
        let setup = files.into_iter().fold(Setup::new(&[], commands), Setup::file);
        let session = setup.run();
        let results = session.results();
        assert_eq!(results.len(), 4);
        assert!(results.iter().all(|result| !result.ends_with(": ok")), "{results:?}");
        assert!(results[2].contains("writable"), "{results:?}");
        assert!(results[3].contains("its reach is"), "{results:?}");
        assert_eq!(session.notes("executable pages="), ["0"; 4]);
        assert_eq!(session.notes("payload "), [""; 0]);
        session.assert_text_is_back();
    }
);

guest_test!(
    /// Behaviour 24: a site of the payload is patched for this system before it is executed.
    sites_of_a_payload_are_patched, {
        /// `ALWAYS_SYSTEM`, the second entry of cpucaps.toml.
        const CAP: u16 = 1;
        let mut payload = kernel().payload("sites");
        // mov x0, #3; the site, a NOP, which becomes a B to the RET; mov x0, #2; ret.
        let code = [&returns(3)[..1], &[0xd503_201f], &returns(2)[..]].concat();
        payload.functions = vec![kernel().replace(FIRST, code)];
        payload.branches = vec![(4, CAP, 2)];
        let session = Setup::new(&[&payload], "load:0,apply:0,call,revert:0,call").run();
        assert_eq!(session.results(), ["load:0: ok", "apply:0: ok", "revert:0: ok"]);
        assert_eq!(session.versions(), [[3, 1, 1, 1, 1], [1; 5]]);
        session.assert_text_is_back();
    }
);

guest_test!(
    /// Behaviour 26.
    no_memory_is_an_error_and_keeps_nothing, {
        let mut payload = kernel().returning("large", &[FIRST], 2);
        payload.state = 9 << 20;
        let session = Setup::new(&[&payload], "load:0,call").run();
        assert_refused(&session, "no memory for a payload of");
    }
);

guest_test!(
    /// Behaviour 30, before anything is kept: a function that is not in the text.
    a_function_outside_of_the_text_is_refused, {
        let mut payload = kernel().payload("outside");
        let data = kernel().image.symbol("demo_outcome").unwrap();
        payload.functions = vec![
            qemu_tests::livepatch::Replacement::new("data", data, 4, returns(2)).words(vec![0]),
        ];
        let session = Setup::new(&[&payload], "load:0,call").run();
        assert_refused(&session, "text");
    }
);

/// The one payload was refused for this reason, and nothing of it is there.
fn assert_refused(session: &Session, reason: &str) {
    let results = session.results();
    assert_eq!(results.len(), 1, "{results:?}");
    assert!(results[0].starts_with("load:0: "), "{results:?}");
    assert!(results[0].contains(reason), "{results:?}");
    assert_eq!(session.notes("executable pages="), ["0"]);
    assert_eq!(session.notes("payload "), [""; 0]);
    assert_eq!(session.versions(), [[1; 5]]);
    session.assert_text_is_back();
}
