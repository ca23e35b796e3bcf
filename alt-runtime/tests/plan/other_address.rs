//! An image seen at another address than the one where this code finds its bytes: a
//! hypervisor's, a module's, a file's. What a word must be depends on where it runs.
//!
//! The expected words are what GNU as 2.40 gives for the text beside them.

use core::mem::MaybeUninit;

use alt_runtime::cap::CapSet;
use alt_runtime::insn::Insn;
use alt_runtime::patch::{Decision, Plan, PlanError, Reason};
use alt_runtime::region::{Region, Table, Words};
use alt_runtime::{Callback, CallbackError, PlannedWrite, Site};

use crate::image::{A, BRANCHES, CALLBACKS, CAPS, Image, NOP, RECORDS, REPLACEMENTS, TEXT, atomic};
use crate::memory::words;

/// Where a hypervisor may see what the kernel sees at `TEXT`.
const HYP: u64 = 0x4000_0001_0000;
/// A distance that is not a multiple of the page.
const ODD: u64 = 0xfc0;
const SITE: u64 = 0x40;

/// The image, all of it seen `address - TEXT` further on.
pub fn seen(image: &Image, address: u64) -> Region<'_> {
    let there = |linked: u64| linked.wrapping_sub(TEXT).wrapping_add(address);
    Region {
        text: words(address, &image.text).into(),
        branches: Table::new(there(BRANCHES), &image.branches),
        alternatives: Table::new(there(RECORDS), &image.records),
        replacements: words(there(REPLACEMENTS), &image.replacements),
        callbacks: Table::new(there(CALLBACKS), &image.callbacks),
    }
}

/// What is written where, in bytes from the start of the text.
fn plan(region: &Region<'_>) -> Result<Vec<(u32, u32)>, PlanError> {
    let caps: CapSet = [A].into_iter().collect();
    let decision = Decision {
        table: &CAPS,
        present: &caps,
        decided: &CapSet::ALL,
    };
    let mut room = [MaybeUninit::<PlannedWrite>::uninit(); 64];
    let plan = Plan::new(region, decision, &mut room)?;
    let writes = plan.writes().iter();
    Ok(writes.map(|w| (w.offset, w.after().0)).collect())
}

/// A site with `adrp x0, .+0x5000`, a branch into the text, and one to the end of the
/// arm; and a site of `cpu_has_cap!`.
fn image() -> Image {
    let mut image = Image::new();
    image.branch(TEXT + 0x20, 0, 4);
    // adrp x0, .+0x5000; b .-0x2ffff4; cbz x0, .+4
    let words = [0xb000_0020, 0x17f4_0003, 0xb400_0020];
    image.alternative(TEXT + SITE, 0, 3, &words);
    image
}

#[test]
fn words_depend_on_the_address_at_which_they_run() {
    let image = image();
    // b .+16; adrp x0, .+0x305000; b .-0x34; cbz x0, .+4
    let words = [
        (0x20, 0x1400_0004),
        (0x40, 0xb000_1820),
        (0x44, 0x17ff_fff3),
        (0x48, 0xb400_0020),
    ];
    assert_eq!(plan(&seen(&image, TEXT)).unwrap(), words);
    // Whole pages further on, distances and pages are the same.
    assert_eq!(plan(&seen(&image, HYP)).unwrap(), words);
    // Here the site is on the next page, and the replacement is not:
    // adrp x0, .+0x304000
    let mut words = words;
    words[1].1 = 0x9000_1820;
    assert_eq!(plan(&seen(&image, HYP + ODD)).unwrap(), words);
}

#[test]
fn words_are_read_where_they_are_mapped() {
    let image = image();
    let region = seen(&image, HYP);
    assert_eq!(region.text.get(HYP + SITE), Some(Insn(NOP)));
    assert_eq!(region.text.get(TEXT + SITE), None);
    assert_eq!(region.text.range(), HYP..HYP + 0x100);
}

/// What only the hypervisor can reach.
const TARGET: u64 = HYP + 0x200_0060;

fn branch(site: &Site<'_>, words: &mut [Insn]) -> Result<(), CallbackError> {
    words[0] = Insn::branch(site.address(), TARGET)?;
    Ok(())
}

#[test]
fn callbacks_are_told_the_address_at_which_the_site_runs() {
    let mut image = Image::new();
    image.callback(TEXT + 0x60, 0, 1, Callback::new("BRANCH", branch));
    // b .+0x2000000; b .+0x1fff040
    assert_eq!(plan(&seen(&image, HYP)).unwrap(), [(0x60, 0x1480_0000)]);
    let odd = plan(&seen(&image, HYP + ODD)).unwrap();
    assert_eq!(odd, [(0x60, 0x147f_fc10)]);
    let error = plan(&seen(&image, TEXT)).unwrap_err();
    assert_eq!(error.site, TEXT + 0x60);
    assert!(matches!(error.reason, Reason::CallbackFailed { .. }));
}

fn outside(end: u64) -> Reason {
    Reason::SiteOutsideText {
        len: 3,
        start: HYP,
        end,
    }
}

#[test]
fn errors_name_the_address_at_which_the_site_runs() {
    let image = image();
    let mut region = seen(&image, HYP);
    let short = atomic(&image.text[..17]);
    region.text = Words::new(HYP, &short).into();
    let error = plan(&region).unwrap_err();
    assert_eq!(error.site, HYP + SITE);
    assert_eq!(error.reason, outside(HYP + 4 * 17));
}

/// Text and tables that are not seen at the same distance as they were linked are not
/// one region.
#[test]
fn tables_must_be_seen_with_their_text() {
    let image = image();
    let mut region = seen(&image, HYP);
    region.alternatives = Table::new(RECORDS, &image.records);
    let error = plan(&region).unwrap_err();
    assert_eq!(error.site, TEXT + SITE);
    assert_eq!(error.reason, outside(HYP + 0x100));

    let mut region = seen(&image, HYP);
    region.replacements = words(REPLACEMENTS, &image.replacements);
    let replacement = HYP + (REPLACEMENTS - TEXT);
    assert_eq!(
        plan(&region).unwrap_err().reason,
        Reason::ReplacementOutside { replacement }
    );
}
