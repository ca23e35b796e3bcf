//! The guarantees of the pass. It plans the right words, and refuses a wrong table or text before it writes
//! a word.

use alt_runtime::finished::{FinishedTable, Header, TableError, Term};
use alt_runtime::patch::{ImageError, PatchError, Reason};

use crate::alone::{RECORDS, TEXT};
use crate::table::{OF_A, OF_A_NOT_B, OF_B, Parts, Pass, Planned, linked};

fn of_bucket(bucket: u32, error: TableError) -> Reason {
    let bucket = Some(bucket);
    Reason::Finished { bucket, error }
}

fn of_table(error: TableError) -> Reason {
    Reason::Finished {
        bucket: None,
        error,
    }
}

/// The words with these cpucaps, bucket after bucket.
fn expected(present: u32) -> Planned {
    match present {
        0 => Vec::new(),
        1 => [&OF_A[..], &OF_A_NOT_B].concat(),
        2 => OF_B.to_vec(),
        _ => [&OF_A[..], &OF_B].concat(),
    }
}

/// The text after a pass with these cpucaps.
fn patched(present: u32) -> Vec<u32> {
    let mut text = linked();
    for (index, word) in expected(present) {
        text[index as usize] = word;
    }
    text
}

#[test]
fn buckets_whose_condition_holds_are_planned() {
    let table = Parts::new().seal();
    for present in 0..4 {
        let planned = Pass::new(&table, &linked(), present).plan();
        assert_eq!(planned, Ok(expected(present)), "{present:b}");
    }
}

/// Sites wait until all cpucaps of their condition are decided, also those of an EITHER term.
#[test]
fn buckets_that_are_not_decided_wait() {
    let mut parts = Parts::new();
    let text = linked();
    let table = parts.seal();
    let first = Pass {
        decided: 1,
        ..Pass::new(&table, &text, 1)
    };
    assert_eq!(first.plan(), Ok(OF_A.to_vec()));
    assert_eq!(first.first(), Ok(OF_A.to_vec()));
    parts.terms = vec![(1 | Term::EITHER).into()];
    let table = parts.seal();
    let first = Pass {
        decided: 1,
        ..Pass::new(&table, &text, 1)
    };
    assert_eq!(first.plan(), Ok(OF_A.to_vec()));
    for present in [1, 3] {
        let planned = Pass::new(&table, &text, present).plan().unwrap();
        assert!(planned.contains(&OF_A_NOT_B[0]), "{present:b}");
    }
}

#[test]
fn a_later_pass_leaves_out_what_is_done() {
    let table = Parts::new().seal();
    let text = patched(1);
    // Word 12 is as it was linked: its bucket waited for B.
    let text: Vec<_> = text[..12].iter().chain(&linked()[12..]).copied().collect();
    let later = Pass {
        earlier: 1,
        ..Pass::new(&table, &text, 3)
    };
    assert_eq!(later.plan(), Ok(OF_B.to_vec()));
}

/// An exclusive OR would bring the old words back.
#[test]
fn a_second_pass_is_refused() {
    let table = Parts::new().seal();
    for (present, bucket) in [(1, 0), (2, 1), (3, 0)] {
        let reason = Pass::new(&table, &patched(present), present).refused();
        assert_eq!(
            reason,
            of_bucket(bucket, TableError::Patched),
            "{present:b}"
        );
    }
}

#[test]
fn other_instructions_at_a_site_are_refused() {
    let table = Parts::new().seal();
    for (site, present, bucket) in [
        (1, 1, 0),
        (3, 1, 0),
        (5, 2, 1),
        (8, 2, 1),
        (9, 2, 1),
        (12, 1, 2),
    ] {
        let mut text = linked();
        text[site] ^= 1 << 7;
        let reason = Pass::new(&table, &text, present).refused();
        assert_eq!(reason, of_bucket(bucket, TableError::Text), "word {site}");
    }
}

/// The first pass checks what waits as well, so that no later pass is refused after it has written.
#[test]
fn what_waits_is_checked_first() {
    let table = Parts::new().seal();
    let mut text = linked();
    text[5] ^= 1 << 7;
    let first = Pass {
        decided: 1,
        ..Pass::new(&table, &text, 1)
    };
    assert_eq!(first.plan(), Ok(OF_A.to_vec()));
    let Err(PatchError::Plan(error)) = first.first() else {
        panic!("not refused");
    };
    assert_eq!(error.reason, of_bucket(1, TableError::Text));
}

/// Every bit of the header, of the directory and of the terms.
#[test]
fn a_changed_header_is_refused() {
    let table = Parts::new().seal();
    let end = table[7] as usize;
    for bit in 32..32 * end {
        let mut table = table.clone();
        table[bit / 32] ^= 1 << (bit % 32);
        let reason = Pass::new(&table, &linked(), 0).refused();
        let is_known = match reason {
            Reason::Finished {
                bucket: None,
                error,
            } => matches!(
                error,
                TableError::Header | TableError::Truncated { .. } | TableError::Layout
            ),
            _ => false,
        };
        assert!(is_known, "bit {bit}: {reason:?}");
    }
}

/// Every bit of the buckets' tables and of the dictionary.
#[test]
fn a_changed_table_is_refused() {
    let table = Parts::new().seal();
    let (tables, dictionary) = (table[7] as usize, table[8] as usize);
    for bit in 32 * tables..32 * table.len() {
        let mut table = table.clone();
        table[bit / 32] ^= 1 << (bit % 32);
        let error = match bit < 32 * dictionary {
            true => TableError::Bucket,
            false => TableError::Dictionary,
        };
        let refused = [1, 2].map(|present| Pass::new(&table, &linked(), present).plan());
        let mut refused = refused.into_iter().filter_map(Result::err);
        let reason = refused.next().map(|why| why.reason);
        let is_known = matches!(reason, Some(Reason::Finished { bucket: Some(_), error: found }) if found == error);
        assert!(is_known, "bit {bit}: {reason:?}");
        assert!(refused.next().is_none(), "bit {bit}");
    }
}

#[test]
fn a_table_of_another_length_is_refused() {
    let table = Parts::new().seal();
    // Records fill what is left of 12 bytes with zeros.
    for len in [Header::LEN + 2, table.len() - 3] {
        let reason = Pass::new(&table[..len], &linked(), 0).refused();
        let found = len.next_multiple_of(3);
        let needed = table.len();
        assert_eq!(reason, of_table(TableError::Truncated { needed, found }));
    }
    let mut parts = Parts::new();
    parts.buckets[0].0.len -= 1;
    let reason = Pass::new(&parts.seal(), &linked(), 0).refused();
    assert_eq!(reason, of_table(TableError::Layout));
}

#[test]
fn another_version_is_refused() {
    let mut table = Parts::new().seal();
    table[0] ^= 0x40 << 24;
    let [.., found] = table[0].to_le_bytes();
    let reason = Pass::new(&table, &linked(), 0).refused();
    assert_eq!(reason, of_table(TableError::Version { found }));
}

/// A writer's fault, with digests that fit.
#[test]
fn another_number_of_sites_is_refused() {
    for change in [-1, 1] {
        let mut parts = Parts::new();
        let sites = &mut parts.buckets[0].0.sites;
        *sites = sites.wrapping_add_signed(change);
        let stated = *sites;
        let reason = Pass::new(&parts.seal(), &linked(), 1).refused();
        let found = 2;
        assert_eq!(reason, of_bucket(0, TableError::Sites { stated, found }));
    }
}

#[test]
fn sites_and_words_outside_are_refused() {
    let mut parts = Parts::new();
    // The start of the first run.
    parts.buckets[0].1[2] = 14;
    let reason = Pass::new(&parts.seal(), &linked(), 1).refused();
    assert!(
        matches!(reason, Reason::SiteOutsideText { len: 1, .. }),
        "{reason:?}"
    );
    let mut parts = Parts::new();
    parts.dictionary.pop();
    let reason = Pass::new(&parts.seal(), &linked(), 2).refused();
    assert_eq!(reason, of_bucket(1, TableError::OutsideDictionary));
    let mut parts = Parts::new();
    parts.buckets[2].0.term = Term(2);
    let reason = Pass::new(&parts.seal(), &linked(), 0).refused();
    assert_eq!(reason, Reason::UnknownCap);
}

#[test]
fn too_little_room_is_refused() {
    let table = Parts::new().seal();
    for (present, words) in [(1, 3), (2, 3), (3, 5)] {
        let text = linked();
        let pass = Pass {
            room: words - 1,
            ..Pass::new(&table, &text, present)
        };
        let (room, needed) = (words - 1, 6);
        assert_eq!(pass.refused(), Reason::PlanTooSmall { room, needed });
        let first = pass.first();
        let is_refused = matches!(first, Err(PatchError::Image(ImageError::Room { room: found, .. })) if found == room);
        assert!(is_refused, "{first:?}");
    }
}

/// The number of a site's word, and its length. A run that cannot be read ends the sites of its bucket only.
#[test]
fn sites_of_all_buckets() {
    fn sites(parts: &mut Parts) -> Vec<(u64, u8)> {
        let words = parts.seal();
        let table = FinishedTable::new(RECORDS, &words).unwrap();
        let sites = table.sites();
        sites.map(|(site, len)| ((site - TEXT) / 4, len)).collect()
    }
    let mut parts = Parts::new();
    assert_eq!(sites(&mut parts), [(1, 1), (3, 1), (5, 1), (8, 2), (12, 1)]);
    // The kind of the first run.
    parts.buckets[0].1[0] = 0;
    assert_eq!(sites(&mut parts), [(5, 1), (8, 2), (12, 1)]);
}

/// Two terms in a word, without the first one.
#[test]
fn words_of_further_terms() {
    for terms in 1..10 {
        let (mut bucket, _) = Parts::new().buckets.remove(0);
        bucket.terms = terms;
        let further = usize::from(terms) - 1;
        assert_eq!(bucket.more(), further.div_ceil(2), "{terms}");
    }
}
