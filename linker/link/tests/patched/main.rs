//! Linked images, and plans of them on the host.

use std::mem::MaybeUninit;
use std::path::PathBuf;
use std::sync::atomic::AtomicU32;

use alt_runtime::cap::{Cap, CapInfo, CapSet, CapTable};
use alt_runtime::patch::{Decision, Plan, PlanError, Reason};
use alt_runtime::record::{AlternativeRecord, BranchRecord, Condition};
use alt_runtime::region::{Region, Table, Words};
use alt_runtime::{Callback, CallbackError, Insn, Site};
use tempfile::TempDir;
use test_support::{Cross, Image, Linker, workspace};

/// With a script that places the tables after the text, and with none.
const SCRIPTS: [Option<&str>; 2] = [Some("linker/link/tests/patched/fixtures/near.ld"), None];

/// Compiles and links a fixture with `flags`, by rust-lld or GNU ld.
fn link(
    cross: &Cross,
    fixture: &str,
    linker: Linker,
    script: Option<&str>,
    flags: &[&str],
) -> Result<Image, String> {
    let dir = TempDir::new().unwrap();
    alt_linker::write_scripts(dir.path()).unwrap();
    let image = dir.path().join("image");
    let source: PathBuf = workspace()
        .join("linker/link/tests/patched/fixtures")
        .join(fixture);
    let mut rustc = cross.rustc();
    rustc.arg(source).arg("-o").arg(&image).args(flags);
    rustc.arg("-L").arg(dir.path());
    if let Some(script) = script {
        rustc.arg(format!(
            "-Clink-arg=-T{}",
            workspace().join(script).display()
        ));
    }
    linker.select(&mut rustc);
    let output = rustc.output().unwrap();
    if output.status.success() {
        Ok(Image::open(&image).unwrap())
    } else {
        Err(String::from_utf8(output.stderr).unwrap())
    }
}

const A: Cap = Cap::new(0, true);
const B: Cap = Cap::new(1, true);
const INFOS: [CapInfo; 2] = [CapInfo::new(A, "A"), CapInfo::new(B, "B")];
static CAPS: CapTable = alt_runtime::cap_table!(&INFOS);

fn word(image: &Image, address: u64) -> u32 {
    u32::from_le_bytes(image.bytes(address, 4).unwrap().try_into().unwrap())
}

/// Address and words of a section; none if there is none.
fn section(image: &Image, name: &str) -> (u64, Vec<u32>) {
    image.section(name).map_or((0, Vec::new()), |section| {
        let words = section.range.clone().step_by(4);
        let words = words.map(|address| word(image, address)).collect();
        (section.range.start, words)
    })
}

/// Address and new word of each write; the image has no more callbacks than these.
fn plan(
    image: &Image,
    present: &[Cap],
    callbacks: &[Callback],
) -> Result<Vec<(u64, u32)>, PlanError> {
    let (text_at, text) = section(image, ".text");
    let (branches_at, branches) = section(image, "alt_branches");
    let (records_at, records) = section(image, "alt_records");
    let (replacements_at, replacements) = section(image, "alt_replacements");
    let callbacks_at = image
        .section("alt_callbacks")
        .map_or(0, |section| section.range.start);
    let branches: Vec<_> = branches
        .chunks(2)
        .map(|words| BranchRecord {
            site: words[0] as i32,
            condition: Condition::from_bits(words[1] as u16),
            displacement: (words[1] >> 16) as i16,
        })
        .collect();
    let records: Vec<_> = records
        .chunks(3)
        .map(|words| AlternativeRecord {
            site: words[0] as i32,
            replacement: words[1] as i32,
            condition: Condition::from_bits(words[2] as u16),
            site_len: (words[2] >> 16) as u8,
            replacement_len: (words[2] >> 24) as u8,
        })
        .collect();
    let atomic = |words: Vec<u32>| words.into_iter().map(AtomicU32::new).collect::<Vec<_>>();
    let (text, replacements) = (atomic(text), atomic(replacements));
    let region = Region {
        text: Words::new(text_at, &text).into(),
        branches: Table::new(branches_at, &branches),
        alternatives: Table::new(records_at, &records),
        replacements: Words::new(replacements_at, &replacements),
        callbacks: Table::new(callbacks_at, callbacks),
    };
    let present: CapSet = present.iter().copied().collect();
    let decision = Decision {
        table: &CAPS,
        present: &present,
        decided: &CapSet::ALL,
    };
    let mut room = [MaybeUninit::uninit(); 16];
    let plan = Plan::new(&region, decision, &mut room)?;
    let writes = plan.writes().iter();
    Ok(writes
        .map(|write| (text_at + u64::from(write.offset), write.after().0))
        .collect())
}

/// Where a TBZ or CBZ at `address` goes (Arm ARM C6.2).
fn target(address: u64, word: u32) -> u64 {
    let words = match word >> 24 {
        0x36 => ((word << 13) as i32) >> 18,
        0xb4 => ((word << 8) as i32) >> 13,
        _ => panic!("{word:#010x}"),
    };
    address.wrapping_add_signed(4 * i64::from(words))
}

#[test]
fn arm_of_short_reach_stays_near_its_function() {
    let test = "arm_of_short_reach_stays_near_its_function";
    let Some(cross) = Cross::new(test) else {
        return;
    };
    for &linker in Linker::installed(test) {
        for level in ["-Copt-level=0", "-Copt-level=3"] {
            for script in SCRIPTS {
                let at = format!("{linker:?}, {level}, {script:?}");
                let image = link(&cross, "near.rs", linker, script, &[level]);
                let image = image.unwrap_or_else(|error| panic!("{at}: {error}"));
                let symbol = |name| image.symbol(name).unwrap();
                let (site, to) = (symbol("short_site"), symbol("short_target"));
                assert!(section(&image, "alt_replacements").1.is_empty(), "{at}");

                let [(address, tbz)] = plan(&image, &[A], &[]).unwrap()[..] else {
                    panic!("{at}: one write")
                };
                assert_eq!(
                    (address, tbz & 0xfff8_0000, target(site, tbz)),
                    (site, 0x3618_0000, to),
                    "{at}"
                );
                // And the compiler's own label, with a HINT after it.
                let [(address, cbz)] = plan(&image, &[B], &[]).unwrap()[..] else {
                    panic!("{at}: one write")
                };
                assert_eq!(address, site, "{at}");
                let label = target(site, cbz);
                let words: Vec<u32> = (0..3).map(|i| word(&image, label + 4 * i)).collect();
                assert!(words.contains(&0xd503_29bf), "{at}: {words:#x?}");
            }
            // Where the macro cannot see it, the linker does not reach.
            let script = SCRIPTS[0];
            let far = link(&cross, "near.rs", linker, script, &[level, "--cfg=far"]);
            let Err(error) = far else {
                panic!("the distance is more than 32 KiB")
            };
            assert!(error.contains("R_AARCH64_TSTBR14"), "{error}");
        }
    }
}

#[test]
fn callbacks_are_found_at_their_address() {
    fn hvc(_: &Site<'_>, words: &mut [Insn]) -> Result<(), CallbackError> {
        words.fill(Insn::hvc(1));
        Ok(())
    }
    fn smc(_: &Site<'_>, words: &mut [Insn]) -> Result<(), CallbackError> {
        words.fill(Insn::smc(2));
        Ok(())
    }
    let test = "callbacks_are_found_at_their_address";
    let Some(cross) = Cross::new(test) else {
        return;
    };
    for &linker in Linker::installed(test) {
        for flags in [
            &["-Copt-level=0", "-Ccodegen-units=256"][..],
            &["-Copt-level=3"],
            &["-Copt-level=3", "-Clto=fat", "-Ccodegen-units=1"],
            &["-Copt-level=s", "-Clto=thin"],
        ] {
            for script in SCRIPTS {
                let at = format!("{linker:?}, {flags:?}, {script:?}");
                let image = link(&cross, "callback.rs", linker, script, flags);
                let image = image.unwrap_or_else(|error| panic!("{at}: {error}"));
                let symbol = |name: &str| image.symbol(name).unwrap();
                let table = image.section("alt_callbacks").unwrap().range.clone();
                assert_eq!(symbol("__start_alt_callbacks"), table.start, "{at}");
                assert_eq!(symbol("__stop_alt_callbacks"), table.end, "{at}");
                assert_eq!(table.end - table.start, 48, "{at}");

                // The functions of the image do not run here; stand-ins do.
                let mut callbacks = [
                    (symbol("FIRST"), Callback::new("FIRST", hvc)),
                    (symbol("SECOND"), Callback::new("SECOND", smc)),
                ];
                callbacks.sort_by_key(|(address, _)| *address);
                let callbacks = callbacks.map(|(_, callback)| callback);
                let mut changes: Vec<_> = plan(&image, &[A], &callbacks)
                    .unwrap()
                    .into_iter()
                    .map(|(address, new)| (word(&image, address), new))
                    .collect();
                changes.sort_unstable();
                // hint #1, #3: hvc #1; hint #2: smc #2
                let expected = [
                    (0xd503_203f, 0xd400_0022),
                    (0xd503_205f, 0xd400_0043),
                    (0xd503_207f, 0xd400_0022),
                ];
                assert_eq!(changes, expected, "{at}");
                let error = plan(&image, &[A], &[]).unwrap_err();
                assert!(matches!(error.reason, Reason::UnregisteredCallback { .. }));
            }
        }
    }
}
