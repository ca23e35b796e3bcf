//! Inputs that alt-ld cannot use unchanged, and other linkers.

use std::fs;

use alt_image::image::Image as Linked;
use test_support::{GNU_LD, Linker, rust_lld};

use crate::support::{Folder, records, word};

const LEFT: &str = "alt-ld: atomics: left alone: ";

/// BL to an address (Arm ARM C6.2.36).
fn call(from: u64, to: u64) -> u32 {
    let words = (to.wrapping_sub(from).cast_signed() / 4) as u32;
    0x9400_0000 | words & 0x03ff_ffff
}

/// Each is left alone with advice, and calls the helper in the image.
#[test]
fn calls_of_another_form_stay_calls() {
    let Some(folder) = Folder::new("calls_of_another_form_stay_calls") else {
        return;
    };
    let helper = "__aarch64_ldadd8_relax";
    for (text, said) in [
        // An addend: after the landing pad of a helper, as a hand-written call may do.
        (
            "bl __aarch64_ldadd8_relax + 4",
            "the relocation has the addend 4: call the helper's symbol itself",
        ),
        (
            "ldr x9, =__aarch64_ldadd8_relax\n blr x9",
            "the relocation is of type 257, not R_AARCH64_CALL26 (283): only a call by BL becomes \
             an instruction",
        ),
        (
            ".inst 0xd503201f\n.reloc . - 4, R_AARCH64_CALL26, __aarch64_ldadd8_relax",
            "the word is no BL: is the object damaged, or written by hand?",
        ),
    ] {
        let change = |name: &str, fixture: String| match name {
            "calls.s" => fixture.replace("    bl __aarch64_ldadd8_relax\n", &format!("{text}\n")),
            _ => fixture,
        };
        let linked = folder.kernel(&[], change, |_| {});
        assert!(linked.success, "{}", linked.said);
        assert!(linked.said.contains(LEFT), "{}", linked.said);
        assert!(linked.said.contains(said), "{said:?} in {}", linked.said);
        let image = folder.open();
        let (add, helper) = (image.symbol("add").unwrap(), image.symbol(helper).unwrap());
        let sites: Vec<_> = records(&folder.path("image")).iter().map(|r| r.0).collect();
        assert!(!sites.contains(&add), "{text}");
        assert!(sites.contains(&image.symbol("swap").unwrap()), "{text}");
        match word(&image, add) & 0xfc00_0000 {
            0x9400_0000 => assert_eq!(word(&image, add), call(add, helper + 4), "{text}"),
            _ => assert!(!text.starts_with("bl "), "{text}"),
        }
    }
}

/// The kernel's own definition is linked, called, and named.
#[test]
fn a_helper_of_the_kernel_itself_is_called() {
    let Some(folder) = Folder::new("a_helper_of_the_kernel_itself_is_called") else {
        return;
    };
    let own = folder.object(
        "own",
        ".globl __aarch64_swp4_acq\n__aarch64_swp4_acq: ret\n",
    );
    let linked = folder.kernel(&[own.to_str().unwrap()], |_, text| text, |_| {});
    assert!(linked.success, "{}", linked.said);
    let said = "__aarch64_swp4_acq: the helper is defined by own.o, not by alt-runtime: remove that \
                definition, or accept the calls";
    assert!(
        linked.said.contains(LEFT) && linked.said.contains(said),
        "{}",
        linked.said
    );
    let image = folder.open();
    let (swap, helper) = ("swap", "__aarch64_swp4_acq");
    let [swap, helper] = [swap, helper].map(|name| image.symbol(name).unwrap());
    assert_eq!(word(&image, swap), call(swap, helper));
    assert_eq!(word(&image, helper), 0xd65f_03c0, "ret");
    let sites: Vec<_> = records(&folder.path("image")).iter().map(|r| r.0).collect();
    assert!(!sites.contains(&swap) && sites.contains(&image.symbol("add").unwrap()));
}

/// Records would need relocations in the same form.
#[test]
fn calls_in_an_object_with_compact_relocations_stay() {
    let Some(folder) = Folder::new("calls_in_an_object_with_compact_relocations_stay") else {
        return;
    };
    let calls = ".globl compact\ncompact: bl __aarch64_ldadd8_relax\n ret\n";
    let object = folder.object("compact", calls);
    let bytes = test_support::with_crel(&fs::read(&object).unwrap());
    fs::write(&object, bytes).unwrap();
    let linked = folder.kernel(
        &["--undefined=compact", object.to_str().unwrap()],
        |_, text| text,
        |_| {},
    );
    assert!(linked.success, "{}", linked.said);
    let said = "the relocations of the object are in CREL form";
    assert!(linked.said.contains(said), "{}", linked.said);
    let image = folder.open();
    let symbols = ["compact", "__aarch64_ldadd8_relax"];
    let [compact, helper] = symbols.map(|name| image.symbol(name).unwrap());
    assert_eq!(word(&image, compact), call(compact, helper));
    assert!(
        records(&folder.path("image"))
            .iter()
            .all(|r| r.0 != compact)
    );
}

/// The records do not need relocations in the image, and neither does `alt`.
#[test]
fn without_emit_relocs_the_records_are_the_same() {
    let Some(folder) = Folder::new("without_emit_relocs_the_records_are_the_same") else {
        return;
    };
    folder.image();
    let with = records(&folder.path("image"));
    let linked = folder.kernel(&[], |_, text| text, |_| {});
    assert_eq!(
        (linked.success, linked.said.contains("left alone: all")),
        (true, false)
    );
    assert_eq!(records(&folder.path("image")), with);
    let image = Linked::parse(fs::read(folder.path("image")).unwrap()).unwrap();
    let add = folder.open().symbol("add").unwrap();
    let helper = alt_image::atomics::called_at(&image, add).map(|helper| helper.to_string());
    assert_eq!(helper.as_deref(), Some("ldadd8_relax"));
    let (status, said) = folder.alt(&["apply", "image", "--caps", "LSE", "-o", "applied"]);
    assert_eq!(status, 0, "{said}");
}

/// A module whose helpers are those of the toolchain, or undefined.
#[test]
fn a_module_without_the_feature_is_linked_and_told() {
    let Some(folder) = Folder::new("a_module_without_the_feature_is_linked_and_told") else {
        return;
    };
    let calls = ".globl start\nstart: bl __aarch64_ldadd8_relax\n bl __aarch64_swp4_acq\n ret\n";
    folder.object("module", calls);
    let toolchain = ".hidden __aarch64_ldadd8_relax\n.globl __aarch64_ldadd8_relax\n\
                     __aarch64_ldadd8_relax: adrp x16, __aarch64_have_lse_atomics\n ret\n\
                     .comm __aarch64_have_lse_atomics, 1, 1\n";
    folder.object("toolchain", toolchain);
    for inputs in [&["module.o"][..], &["module.o", "toolchain.o"]] {
        let linked = folder.alt_ld(&[&["-r", "-o", "module.ko"], inputs].concat());
        assert!(linked.success, "{}", linked.said);
        let said = "2 calls of outline atomics, and no helpers that can be patched: enable the \
                    feature `atomics` of alt-runtime";
        assert!(linked.said.contains(said), "{inputs:?}: {}", linked.said);
        let plain = folder.path("plain.ko");
        let mut linker = Linker::Lld.command();
        let inputs = inputs.iter().map(|name| folder.path(name));
        let output = linker
            .args(["-r", "-o"])
            .arg(&plain)
            .args(inputs)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        assert!(fs::read(folder.path("module.ko")).unwrap() == fs::read(plain).unwrap());
    }
}

/// A link that fails leaves neither an image nor rewritten inputs.
#[test]
fn a_link_that_fails_leaves_nothing() {
    let Some(folder) = Folder::new("a_link_that_fails_leaves_nothing") else {
        return;
    };
    folder.object(
        "a",
        ".globl _start\n_start: bl __aarch64_ldadd8_relax\n bl missing\n ret\n",
    );
    let word = ".globl __alt_atomic_ldadd8_relax\n__alt_atomic_ldadd8_relax: .inst 0xf8200020\n\
                .weak __aarch64_ldadd8_relax\n__aarch64_ldadd8_relax: ret\n\
                .globl __alt_cpucap_LSE\n.set __alt_cpucap_LSE, 1\n";
    folder.object("words", word);
    let whole = fs::read(folder.path("a.o")).unwrap();
    fs::write(folder.path("damaged.o"), &whole[..whole.len() - 1]).unwrap();
    let names = folder.names();
    for (input, said) in [
        ("a.o", "undefined symbol: missing"),
        ("damaged.o", "damaged.o"),
    ] {
        let linked = folder.alt_ld(&["-o", "image", input, "words.o"]);
        assert!(!linked.success, "{}", linked.said);
        assert!(linked.said.contains(said), "{}", linked.said);
        assert_eq!(folder.names(), names, "{input}");
    }
    let failed = |said: &str| {
        let linked = folder.alt_ld(&["-o", "image", "a.o", "words.o"]);
        assert!(
            !linked.success && linked.said.contains(said),
            "{}",
            linked.said
        );
        assert!(!folder.path("image").exists());
    };
    // The folder for the rewritten inputs cannot be made, or exists with other files.
    let there = folder.path("image.atomics");
    fs::write(&there, "").unwrap();
    failed("image.atomics");
    fs::remove_file(&there).unwrap();
    fs::create_dir(&there).unwrap();
    fs::write(there.join("notes-1"), "precious").unwrap();
    failed("notes-1: move it");
    assert_eq!(fs::read(there.join("notes-1")).unwrap(), b"precious");
    // One that an interrupted link has left.
    fs::rename(there.join("notes-1"), there.join("1-a.o")).unwrap();
    failed("undefined symbol: missing");
    assert!(!there.exists());
}

/// GNU ld as the linker that alt-ld calls: with the flavor that rustc gives to lld, and without.
#[test]
fn gnu_ld_links_the_same_sites() {
    let test = "gnu_ld_links_the_same_sites";
    let Some(folder) = Folder::new(test) else {
        return;
    };
    if !Linker::installed(test).contains(&Linker::Gnu) {
        return;
    }
    let mut sites = Vec::new();
    let lld = rust_lld();
    for linker in [lld.to_str().unwrap(), GNU_LD] {
        let linked = folder.kernel(
            &[],
            |_, text| text,
            |rustc| {
                rustc.env("ALT_LD_LINKER", linker);
            },
        );
        assert!(linked.success, "{linker}: {}", linked.said);
        let image = folder.open();
        let records = records(&folder.path("image"));
        sites.push(["add", "swap"].map(|name| {
            let site = image.symbol(name).unwrap();
            let record = records.iter().find(|record| record.0 == site);
            let replacement = record.unwrap_or_else(|| panic!("{linker}: {name}")).1;
            (site, word(&image, replacement))
        }));
        let (status, said) = folder.alt(&["verify", "image"]);
        assert_eq!(status, 0, "{linker}: {said}");
    }
    assert_eq!(sites[0], sites[1]);
}
