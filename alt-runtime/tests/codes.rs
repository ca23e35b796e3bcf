//! `docs/errors.md` has the number of each error, and no other number.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use alt_runtime::boot::FinaliseError;
use alt_runtime::finished::TableError;
use alt_runtime::livepatch::{
    ActionError, EntryError, LoadError, PayloadError, RelocationError, Table,
};
use alt_runtime::patch::{PatchError, PlanError, Reason};
use alt_runtime::rendezvous::StopError;

/// The files with numbers.
const SOURCES: [&str; 4] = [
    "src/code.rs",
    "src/pointers.rs",
    "src/shadow_call_stack/error.rs",
    "src/livepatch/code.rs",
];

fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(root.join(path)).unwrap()
}

#[test]
fn document_lists_the_codes_of_the_source() {
    let (mut source, mut of) = (BTreeMap::new(), String::new());
    let files = SOURCES.map(read);
    for line in files.iter().flat_map(|file| file.lines()) {
        if let Some(name) = line.strip_prefix("impl") {
            let name = name.trim_start_matches("<A>").trim_start_matches("<M>");
            let name = name.trim_start();
            let end = name.find(['<', ' ']).unwrap_or(name.len());
            of = name[..end].to_owned();
        }
        if let Some((variant, code)) = line.trim().split_once(" => ")
            && let Ok(code) = code.trim_end_matches(',').parse::<u16>()
        {
            let variant = variant.trim_start_matches("Self::");
            let end = variant.find([' ', '(']).unwrap_or(variant.len());
            let name = format!("`{of}::{}`", &variant[..end]);
            assert_eq!(source.insert(code, name), None, "{code} is given twice");
        }
    }
    let mut document = BTreeMap::new();
    for row in read("../docs/errors.md").lines() {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        if let [_, code, name, meaning, _] = cells[..]
            && let Ok(code) = code.parse::<u16>()
        {
            assert!(!meaning.is_empty(), "{row}");
            document.insert(code, name.to_owned());
        }
    }
    assert!(source.len() > 140, "{source:#?}");
    assert_eq!(source, document);
}

#[test]
fn code_of_an_error_is_that_of_the_innermost() {
    let plan = |reason| PlanError {
        site: 0,
        cap: 0,
        name: "",
        reason,
    };
    let error = TableError::Text;
    let bucket = Some(1);
    let finished = PatchError::<()>::Plan(plan(Reason::Finished { bucket, error }));
    assert_eq!(FinaliseError::Patch(finished).code(), error.code());
    let raw = PatchError::<()>::Plan(plan(Reason::RawTable));
    assert_eq!(raw.code(), Reason::RawTable.code());
    let stop = StopError::Missing { cpu: 1 };
    assert_eq!(FinaliseError::<()>::Stop(stop).code(), stop.code());

    let error = RelocationError::TooFar { distance: 1 << 40 };
    let entry = PayloadError::Entry {
        table: Table::Relocations,
        index: 1,
        error: EntryError::Relocation(error),
    };
    assert_eq!(LoadError::<()>::Payload(entry).code(), error.code());
    assert_eq!(ActionError::<()>::Stop(stop).code(), stop.code());
}
