//! Each reason for which a table is not written, or is refused by the reader.

use alt_image::finished::{WriteError, write};
use alt_runtime::finished::{BucketHeader, Digest, FinishedTable, Header, RunHeader, TableError};
use alt_runtime::patch::Reason;

use crate::image::{AND, Image, NOP, RECORDS, TEXT, first_pass, pass};

fn small() -> Image {
    let mut image = Image::new(&[NOP; 100]);
    image.branch(10, 1, 2);
    image.branch(20, 1, 2);
    image.alternative(30, 2, 2, &[0xd280_0000, 0xd280_0001]);
    image
}

/// The first word of the table of the first bucket.
fn tables(words: &[u32]) -> usize {
    words[7] as usize
}

/// The table after a change, with all digests as if the tool had written it.
fn resealed(mut words: Vec<u32>, change: impl FnOnce(&mut Vec<u32>)) -> Vec<u32> {
    change(&mut words);
    let start = tables(&words);
    // Both buckets of `small` have one term.
    let mut at = start;
    for entry in [Header::LEN, Header::LEN + BucketHeader::LEN] {
        let len = words[entry] as usize;
        let end = (at + len).min(words.len());
        let digest = Digest::EMPTY.with_all(&words[at.min(end)..end]).to_words();
        words[entry + 3..entry + 5].copy_from_slice(&digest);
        at = end;
    }
    let digest = Digest::EMPTY.with_all(&words[..Header::DIGEST]);
    let digest = digest.with_all(&words[Header::LEN..start]).to_words();
    words[Header::DIGEST..Header::LEN].copy_from_slice(&digest);
    words
}

/// The error of a first pass that checks all buckets.
fn refusal(words: &[u32]) -> Reason {
    let image = small();
    image
        .finished(words, |region| first_pass(region, 0, 0))
        .unwrap_err()
        .reason
}

fn changed(change: impl FnOnce(&mut Vec<u32>)) -> Reason {
    refusal(&resealed(small().finish().words, change))
}

fn of_bucket(bucket: u32, error: TableError) -> Reason {
    Reason::Finished {
        bucket: Some(bucket),
        error,
    }
}

fn of_table(error: TableError) -> Reason {
    Reason::Finished {
        bucket: None,
        error,
    }
}

#[test]
fn a_table_that_is_only_sealed_again_is_accepted() {
    let words = resealed(small().finish().words, |_| {});
    assert_eq!(words, small().finish().words);
}

#[test]
fn another_version_is_named() {
    let reason = changed(|words| words[0] ^= 1 << 24);
    assert_eq!(reason, of_table(TableError::Version { found: 3 }));
}

#[test]
fn a_table_longer_than_its_section_is_refused() {
    let reason = changed(|words| words[1] += 100);
    assert!(
        matches!(
            reason,
            Reason::Finished {
                error: TableError::Truncated { .. },
                ..
            }
        ),
        "{reason:?}"
    );
    let error = FinishedTable::new(RECORDS, &small().finish().words[..5]).unwrap_err();
    assert_eq!(
        error,
        TableError::Truncated {
            needed: 13,
            found: 5
        }
    );
}

#[test]
fn words_that_are_no_table_are_refused() {
    assert_eq!(
        FinishedTable::new(RECORDS, &[0; 20]).unwrap_err(),
        TableError::Header
    );
}

#[test]
fn parts_that_do_not_make_up_the_table_are_refused() {
    assert_eq!(changed(|words| words[8] += 1), of_table(TableError::Layout));
    assert_eq!(changed(|words| words[6] += 1), of_table(TableError::Layout));
    assert_eq!(changed(|words| words[6] -= 1), of_table(TableError::Layout));
    // The number of terms is 0.
    assert_eq!(
        changed(|words| words[Header::LEN + 7] &= 0xffff_0000),
        of_table(TableError::Layout)
    );
}

#[test]
fn a_damaged_dictionary_is_refused_where_it_is_used() {
    let mut words = small().finish().words;
    *words.last_mut().unwrap() ^= 1;
    assert_eq!(refusal(&words), of_bucket(1, TableError::Dictionary));
    // The bucket of the branches does not use it.
    let image = small();
    assert!(
        image
            .finished(&words, |region| pass(region, 0b1111, 0b0010, 0))
            .is_ok()
    );
}

#[test]
fn a_run_that_cannot_be_read_is_refused() {
    // Kind, length of a site, sites.
    for (kind, len, sites) in [
        (0, 1, 1),
        (6, 1, 1),
        (1, 0, 1),
        (1, 2, 1),
        (1, 1, 0),
        (3, 1, 1000),
    ] {
        let header = RunHeader {
            kind,
            len,
            sites,
            value: 0,
            start: 0,
        };
        let reason = changed(|words| {
            let at = tables(words);
            words[at..at + 3].copy_from_slice(&header.to_words());
        });
        assert_eq!(
            reason,
            of_bucket(0, TableError::Run { at: 0 }),
            "{header:?}"
        );
    }
}

#[test]
fn an_index_outside_of_the_dictionary_is_refused() {
    let reason = changed(|words| {
        let last = words[8] as usize - 1;
        words[last] = 1 << 16;
    });
    assert_eq!(reason, of_bucket(1, TableError::OutsideDictionary));
}

#[test]
fn another_number_of_sites_is_refused() {
    let reason = changed(|words| words[Header::LEN + 1] = 3);
    assert_eq!(
        reason,
        of_bucket(
            0,
            TableError::Sites {
                stated: 3,
                found: 2
            }
        )
    );
}

#[test]
fn a_site_outside_of_the_text_is_refused() {
    for start in [90, u32::MAX] {
        let reason = changed(|words| {
            let at = tables(words);
            words[at + 2] = start;
        });
        assert!(
            matches!(reason, Reason::SiteOutsideText { len: 1, .. }),
            "{reason:?}"
        );
    }
    let reason = changed(|words| {
        let run = words[8] as usize - 4;
        words[run + 2] = 89;
    });
    assert!(
        matches!(reason, Reason::SiteOutsideText { len: 2, .. }),
        "{reason:?}"
    );
}

#[test]
fn an_unknown_cpucap_is_refused() {
    let reason = changed(|words| words[Header::LEN + 7] = 1 | 77 << 16);
    assert_eq!(reason, Reason::UnknownCap);
}

#[test]
fn text_that_was_not_linked_so_is_refused() {
    let reason = changed(|words| words[Header::LEN + 5] ^= 1);
    assert_eq!(reason, of_bucket(0, TableError::Text));
}

#[test]
fn every_error_has_a_message() {
    for error in [
        TableError::Version { found: 2 },
        TableError::Truncated {
            needed: 13,
            found: 5,
        },
        TableError::Header,
        TableError::Layout,
        TableError::Dictionary,
        TableError::Bucket,
        TableError::Run { at: 3 },
        TableError::OutsideDictionary,
        TableError::Sites {
            stated: 3,
            found: 2,
        },
        TableError::Text,
        TableError::Patched,
    ] {
        assert!(error.to_string().len() > 20, "{error:?}");
    }
}

#[test]
fn a_finished_region_is_not_finished_again() {
    let image = small();
    let words = image.finish().words;
    let again = image.finished(&words, |region| write(region, RECORDS, 4096));
    assert_eq!(again, Err(WriteError::Finished));
}

#[test]
fn a_record_that_the_patcher_refuses_is_named() {
    let mut image = small();
    image.branch(40, 1, 1000);
    let refused = image
        .raw(|region| write(region, RECORDS, 4096))
        .unwrap_err();
    let WriteError::Refused(error) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(error.site, TEXT + 160);
}

#[test]
fn arms_that_exclude_each_other_in_too_many_ways_are_refused() {
    let mut image = Image::new(&[NOP; 100]);
    for arm in 0..5 {
        for term in 0..5 {
            let and = if term < 4 { AND } else { 0 };
            image.alternative(10, (5 * arm + term) | and, 1, &[0xd280_0000]);
        }
    }
    let refused = image.raw(|region| write(region, RECORDS, 4096));
    assert_eq!(refused, Err(WriteError::Conditions { site: TEXT + 40 }));
}

#[test]
fn a_table_out_of_reach_is_refused() {
    let image = small();
    let far = |address| image.raw(|region| write(region, address, 4096));
    assert_eq!(
        far(TEXT + (3 << 30)),
        Err(WriteError::TooFar { site: TEXT + 40 })
    );
    let mut image = Image::new(&[NOP; 100]);
    image.callback(10, 1, 2, 0);
    // The text is in reach, the callbacks after it are not.
    let refused = image.raw(|region| write(region, TEXT - 0x7fff_0000, 4096));
    assert_eq!(
        refused,
        Err(WriteError::CallbackTooFar {
            callback: crate::image::CALLBACKS
        })
    );
}
