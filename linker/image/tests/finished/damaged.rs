//! Damage of the table and of the text: each change is refused before anything is planned.

use std::sync::atomic::Ordering;

use alt_runtime::finished::TableError;
use alt_runtime::patch::Reason;

use crate::image::{Image, LIKELY, NOP, first_pass, pass};
use crate::random::image;

#[test]
fn every_flipped_bit_of_a_table_is_refused() {
    for seed in [1, 2] {
        let image = image(seed, 150);
        let mut table = image.finish().words;
        // Nothing is decided, so the first pass checks all buckets.
        assert!(
            image
                .finished(&table, |region| first_pass(region, 0, 0))
                .is_ok()
        );
        for word in 0..table.len() {
            for bit in 0..32 {
                table[word] ^= 1 << bit;
                let planned = image.finished(&table, |region| first_pass(region, 0, 0));
                assert!(planned.is_err(), "word {word}, bit {bit}");
                table[word] ^= 1 << bit;
            }
        }
    }
}

#[test]
fn every_flipped_bit_at_a_site_is_refused() {
    let image = image(3, 150);
    let table = image.finish().words;
    let sites: Vec<usize> = image.raw(|region| {
        let branches = region
            .branches
            .iter()
            .map(|(at, record)| (record.site_address(at), 1));
        let alternatives = region.alternatives.iter();
        let alternatives =
            alternatives.map(|(at, record)| (record.site_address(at), record.site_len));
        let words = |(site, len): (u64, u8)| {
            let first = (site - crate::image::TEXT) as usize / 4;
            first..first + usize::from(len)
        };
        branches.chain(alternatives).flat_map(words).collect()
    });
    assert!(sites.len() > 20);
    // A site whose arms never apply is in no bucket, so its words do not matter.
    let in_table: Vec<u64> = image.finished(&table, |region| {
        let table = alt_runtime::finished::FinishedTable::of(region)
            .unwrap()
            .unwrap();
        table
            .sites()
            .flat_map(|(site, len)| (0..u64::from(len)).map(move |i| site + 4 * i))
            .collect()
    });
    for site in sites {
        let is_in_table = in_table.contains(&(crate::image::TEXT + 4 * site as u64));
        for bit in 0..32 {
            image.text[site].fetch_xor(1 << bit, Ordering::Relaxed);
            let planned = image.finished(&table, |region| first_pass(region, 0, 0));
            assert_eq!(planned.is_err(), is_in_table, "word {site}, bit {bit}");
            image.text[site].fetch_xor(1 << bit, Ordering::Relaxed);
        }
    }
}

#[test]
fn every_truncated_table_is_refused() {
    let image = image(4, 150);
    let table = image.finish().words;
    for len in 1..table.len() {
        // The fixture fills up with words that are not the table's.
        let planned = image.finished(&table[..len], |region| first_pass(region, 0, 0));
        assert!(planned.is_err(), "{len} words");
    }
}

#[test]
fn a_second_pass_is_refused_and_names_the_site() {
    let mut image = Image::new(&[NOP; 100]);
    for site in [10, 20, 30] {
        image.branch(site, 1, 2);
    }
    image.branch(40, 2 | LIKELY, 2);
    image.text[40].store(0x1400_0002, Ordering::Relaxed);
    let table = image.finish().words;
    let planned = image
        .finished(&table, |region| pass(region, 0b1111, 0b0010, 0))
        .unwrap();
    crate::image::apply(&image, &planned);
    let again = image
        .finished(&table, |region| pass(region, 0b1111, 0b0010, 0))
        .unwrap_err();
    assert_eq!(again.site, crate::image::TEXT + 40);
    let error = TableError::Patched;
    assert_eq!(
        again.reason,
        Reason::Finished {
            bucket: Some(0),
            error
        }
    );
    // A pass that needs only the other bucket is not refused.
    let other = image
        .finished(&table, |region| pass(region, 0b1111, 0b0100, 0))
        .unwrap();
    assert_eq!(other.0, [(160, 0x1400_0002, NOP)]);
}

#[test]
fn a_breakpoint_is_the_site_that_the_error_names() {
    let mut image = Image::new(&[NOP; 100]);
    for site in [10, 20, 30] {
        image.branch(site, 1, 2);
    }
    let table = image.finish().words;
    image.text[20].store(0xd420_0000, Ordering::Relaxed);
    let refused = image
        .finished(&table, |region| pass(region, 0b1111, 0b0010, 0))
        .unwrap_err();
    let error = TableError::Text;
    assert_eq!(
        refused.reason,
        Reason::Finished {
            bucket: Some(0),
            error
        }
    );
    assert_eq!(refused.site, crate::image::TEXT + 80);
    assert!(
        refused
            .to_string()
            .contains("bucket 0 of the finished table"),
        "{refused}"
    );
}
