//! Bytes per site, in linked images.

use alt_image::{
    names::CapNames,
    records::Records,
    stats::{Bytes as Beside, Group, Stats},
};
use qemu_tests::Image;
use std::{error::Error, fs};

/// The name of the sites of `cpu_has_cap!` in `alt stats`.
const BRANCH: &str = "branch";

/// Bytes of the sites of one kind, all of them together.
pub(crate) struct Row {
    pub(crate) kind: String,
    pub(crate) sites: usize,
    /// Bytes in the text.
    pub(crate) text: u64,
    /// Records, freed after boot.
    pub(crate) table: u64,
    /// Replacements, freed after boot.
    pub(crate) replacements: u64,
    /// Other bytes that are not freed.
    pub(crate) resident: u64,
}

pub(crate) struct Bytes {
    pub(crate) rows: Vec<Row>,
    /// Of a record of `cpu_has_cap!`.
    pub(crate) branch_record: u64,
}

/// Measures the sites of kernel-demo, and those of static-keys in the guest.
pub(crate) fn measure(guest: &Image, kernel: &Image) -> Result<Bytes, Box<dyn Error>> {
    let image = alt_image::image::Image::parse(fs::read(kernel.path())?)?;
    let records = Records::find(&image, None)?;
    let stats = Stats::new(&image, &records, &CapNames::default());
    let branches = |group: &&Group| group.name == BRANCH;
    let branches = stats.kinds.iter().find(branches);
    let branches = branches.ok_or("kernel-demo has no `cpu_has_cap!`")?;

    let mut rows = Vec::new();
    for group in &stats.kinds {
        let row = |kind: &str, beside: &Beside| Row {
            kind: kind.to_owned(),
            sites: group.sites,
            text: group.text.total(),
            table: beside.table.init,
            replacements: beside.replacements.init,
            resident: beside.table.resident + beside.replacements.resident,
        };
        rows.push(row(&group.name, &group.here));
        rows.push(row("  in Linux's layout", &group.there));
    }
    let (sites, resident) = static_keys(guest)?;
    rows.push(Row {
        kind: "static-keys".to_owned(),
        sites,
        text: 4 * sites as u64,
        table: 0,
        replacements: 0,
        resident: resident as u64,
    });
    Ok(Bytes {
        rows,
        branch_record: branches.here.table.total() / branches.records.max(1) as u64,
    })
}

/// Number of sites of static-keys, and the bytes of their table.
///
/// An entry is assumed to have 24 bytes, and the distance to the site in the first 8. Each distance
/// must lead to a NOP in the text, which proves the assumption.
fn static_keys(image: &Image) -> Result<(usize, usize), Box<dyn Error>> {
    const ENTRY: usize = 24;
    const NOP: [u8; 4] = [0x1f, 0x20, 0x03, 0xd5];
    let section = image.section("__static_keys");
    let section = section.ok_or("the guest has no table of static-keys")?;
    let (entries, rest) = section.bytes.as_chunks::<ENTRY>();
    let is_site = |(entry, at): (&[u8; ENTRY], u64)| {
        let (distances, _) = entry.as_chunks::<8>();
        let site = at.wrapping_add(u64::from_le_bytes(distances[0]));
        image.bytes(site, 4) == Some(&NOP)
    };
    let at = (section.range.start..).step_by(ENTRY);
    if !rest.is_empty() || !entries.iter().zip(at).all(is_site) {
        return Err("the table of static-keys is not what it was in 0.8.2".into());
    }
    Ok((entries.len(), section.bytes.len()))
}
