//! Records of `alt-runtime`.

use alt_runtime::record::{self, AlternativeRecord, BranchRecord, Condition, Section};

use super::{Format, Kind, Record, Records, RecordsError, Table, Term, finished};
use crate::image::Image;

/// The symbol that each object with a site defines.
pub const LAYOUT: &str = record::VERSION_SYMBOL;

/// Its value: the layout version of `alt_runtime::record`.
pub const VERSION: u64 = record::VERSION;

/// The section of branch records.
pub const BRANCHES: &str = Section::Branches.name();
/// The section of alternative records.
pub const ALTERNATIVES: &str = Section::Alternatives.name();
/// The section of replacement instructions.
pub const REPLACEMENTS: &str = Section::Replacements.name();
/// The section of callbacks.
pub const CALLBACKS: &str = Section::Callbacks.name();
/// The section of the room for the plan, if the linker script reserves some.
pub const PLAN: &str = Section::Plan.name();
/// A section that is not loaded, as large as the plan of all sites.
pub const PLAN_SIZE: &str = Section::PlanSize.name();

/// The size of a callback in `alt_callbacks`, in bytes: docs/records.md.
pub const CALLBACK: u64 = Section::Callbacks.element_size();

/// The size of the room for one word in `alt_plan`, in bytes: docs/records.md.
pub const WRITE: u64 = Section::Plan.element_size();

/// The offset of the function in a callback: after the name, a pointer and a length.
const FUNCTION: u64 = 16;

pub(super) fn is_there(image: &Image) -> bool {
    image.symbols().get(LAYOUT).is_some()
        || [BRANCHES, ALTERNATIVES]
            .iter()
            .any(|name| !Table::by_name(image, name).range.is_empty())
}

pub(super) fn read(image: &Image) -> Result<Records, RecordsError> {
    let placed = [BRANCHES, ALTERNATIVES].map(|name| Table::by_name(image, name));
    let (finished, [branches, alternatives]) = finished::read(image, placed)?;
    let mut list = Vec::new();
    for (at, bytes) in branches.elements(image)? {
        list.push(branch(at, BranchRecord::from_le_bytes(*bytes)));
    }
    for (at, bytes) in alternatives.elements(image)? {
        list.push(alternative(at, AlternativeRecord::from_le_bytes(*bytes)));
    }
    let [replacements, callbacks, plan] =
        [REPLACEMENTS, CALLBACKS, PLAN].map(|name| Table::by_name(image, name));
    replacements.bytes(image)?;
    callbacks.bytes(image)?;
    plan.check(image)?;
    let plan_size = plan_size(image);
    Ok(Records {
        format: Format::Alt,
        branches,
        alternatives,
        replacements,
        callbacks,
        plan,
        plan_size,
        inferred_nops: None,
        finished,
        list,
    })
}

/// The size in bytes of the plan of all sites that the linker kept; 0 if it is unknown.
fn plan_size(image: &Image) -> u64 {
    let size = |range: std::ops::Range<u64>| range.end.saturating_sub(range.start);
    match image.section(PLAN_SIZE) {
        Some(section) => size(section.range.clone()),
        None => size(Table::by_name(image, PLAN_SIZE).range),
    }
}

/// The branch records of an image, as structs of the patcher.
pub fn branches(image: &Image, table: &Table) -> Result<Vec<BranchRecord>, RecordsError> {
    let elements = table.elements(image)?;
    Ok(elements
        .map(|(_, bytes)| BranchRecord::from_le_bytes(*bytes))
        .collect())
}

/// The alternative records of an image, as structs of the patcher.
pub fn alternatives(image: &Image, table: &Table) -> Result<Vec<AlternativeRecord>, RecordsError> {
    let elements = table.elements(image)?;
    Ok(elements
        .map(|(_, bytes)| AlternativeRecord::from_le_bytes(*bytes))
        .collect())
}

/// The address of the function of the callback at an address; `None` if it is null.
pub fn function_of(image: &Image, callback: u64) -> Option<u64> {
    let function = image.pointer_at(callback.checked_add(FUNCTION)?);
    function.filter(|function| *function != 0)
}

fn term(condition: Condition) -> Term {
    Term {
        always: false,
        cap: condition.cap(),
        negated: condition.is_negated(),
        and_next: condition.and_next(),
    }
}

fn branch(at: u64, record: BranchRecord) -> Record {
    let site = record.site_address(at);
    Record {
        at,
        site,
        site_len: 4,
        term: term(record.condition),
        kind: Kind::Branch {
            target: site.wrapping_add_signed(4 * i64::from(record.displacement)),
            likely: record.condition.is_likely(),
        },
    }
}

fn alternative(at: u64, record: AlternativeRecord) -> Record {
    let address = record.replacement_address(at);
    let len = 4 * u32::from(record.replacement_len);
    Record {
        at,
        site: record.site_address(at),
        site_len: 4 * u32::from(record.site_len),
        term: term(record.condition),
        kind: match (record.condition.is_callback(), len) {
            (false, _) => Kind::Code { address, len },
            (true, 0) => Kind::Nops,
            (true, _) => Kind::Callback {
                address,
                len: Some(len),
            },
        },
    }
}
