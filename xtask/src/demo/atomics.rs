//! The calls of outline atomics, and the words of memory in their place.

use alt_image::atomics::called_at;
use qemu_tests::sites::SiteKind;

use super::Demo;

/// `atomics: <n> calls, <m> now one instruction`: calls that are sites, and those of them that the
/// pass has replaced. Memory that was freed after boot says nothing; there, the condition counts.
pub(crate) fn line(demo: &Demo) -> Result<String, Box<dyn std::error::Error>> {
    let image = alt_image::image::Image::parse(demo.image.file().to_vec())?;
    let present = super::verdict::present(&demo.facts);
    let (mut calls, mut replaced) = (0, 0);
    for site in demo.sites {
        let Some(helper) = called_at(&image, site.address) else {
            continue;
        };
        let SiteKind::Alternative { site_len: 1, .. } = site.records[0].kind else {
            continue;
        };
        calls += 1;
        let is_replaced = match demo.freed.holds(site.address) {
            true => site.winner(&present).is_some(),
            false => demo.run.after.words(site.address, 1)? == [helper.insn().0],
        };
        replaced += usize::from(is_replaced);
    }
    Ok(format!(
        "atomics: {calls} calls, {replaced} now one instruction"
    ))
}
