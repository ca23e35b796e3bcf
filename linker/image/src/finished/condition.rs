//! Conditions of arms, made disjoint.
//!
//! The arms of a site are like those of a `match`: the first one whose condition holds wins. In a
//! finished table, the conditions of a site's buckets exclude each other instead, so their order
//! does not matter.

use std::collections::{BTreeMap, BTreeSet};

use alt_runtime::finished::Term;
use alt_runtime::record::Condition;

/// The most conjunctions that the arms of a site may need.
pub(super) const MAX_WAYS: usize = 256;

/// A conjunction: for each cpucap whether it must be present.
type Conjunction = BTreeMap<u16, bool>;

/// For each arm of a site the conditions of its buckets, given the terms of each arm. `None` if
/// there are too many.
///
/// Each condition names all cpucaps that any arm tests: while one of them is not decided, the site
/// waits.
pub(super) fn disjoint(arms: &[&[Condition]]) -> Option<Vec<Vec<Vec<Term>>>> {
    let tested: BTreeSet<u16> = arms
        .iter()
        .copied()
        .flatten()
        .map(|term| term.cap())
        .collect();
    let arms_terms = arms.iter().map(|terms| conjunction(terms));
    let arms_terms: Vec<Option<Conjunction>> = arms_terms.collect();
    let mut result = Vec::new();
    for (index, terms) in arms.iter().enumerate() {
        let mut ways: Vec<Conjunction> = arms_terms[index].clone().into_iter().collect();
        for before in arms_terms[..index].iter().flatten() {
            ways = ways.iter().flat_map(|way| excluding(way, before)).collect();
            if ways.len() > MAX_WAYS {
                return None;
            }
        }
        let first = terms.first().map(|term| term.cap());
        result.push(
            ways.iter()
                .map(|way| to_terms(way, first, &tested))
                .collect(),
        );
    }
    Some(result)
}

/// The terms of an arm that never applies: the site waits for its cpucaps, and that is all.
pub(super) fn never(arms: &[&[Condition]]) -> Vec<Term> {
    let tested: BTreeSet<u16> = arms
        .iter()
        .copied()
        .flatten()
        .map(|term| term.cap())
        .collect();
    let first = tested.first().copied().unwrap_or_default();
    let mut terms = vec![Term(first), Term(first | Term::NOT)];
    terms.extend(
        tested
            .into_iter()
            .skip(1)
            .map(|cap| Term(cap | Term::EITHER)),
    );
    terms
}

/// The terms as a conjunction; `None` if they contradict each other.
fn conjunction(terms: &[Condition]) -> Option<Conjunction> {
    let mut conjunction = Conjunction::new();
    for term in terms {
        let wanted = !term.is_negated();
        if conjunction.insert(term.cap(), wanted) == Some(!wanted) {
            return None;
        }
    }
    Some(conjunction)
}

/// The disjoint ways in which `way` holds and `before` does not: the first, second, … term of
/// `before` is the first one that fails.
fn excluding(way: &Conjunction, before: &Conjunction) -> Vec<Conjunction> {
    let mut ways = Vec::new();
    let mut with = way.clone();
    for (cap, wanted) in before {
        match with.get(cap) {
            // It fails whenever the way holds: so do all the rest.
            Some(is) if is != wanted => {
                ways.push(with);
                return ways;
            }
            // It never fails there.
            Some(_) => {}
            None => {
                let mut fails = with.clone();
                fails.insert(*cap, !wanted);
                ways.push(fails);
                with.insert(*cap, *wanted);
            }
        }
    }
    ways
}

/// The terms of `way`, the cpucap `first` first, and those of all other cpucaps in `tested`.
fn to_terms(way: &Conjunction, first: Option<u16>, tested: &BTreeSet<u16>) -> Vec<Term> {
    let term = |cap: u16| match way.get(&cap) {
        Some(true) => Term(cap),
        Some(false) => Term(cap | Term::NOT),
        None => Term(cap | Term::EITHER),
    };
    let others = tested.iter().copied().filter(|cap| Some(*cap) != first);
    first.into_iter().chain(others).map(term).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn term(bits: u16) -> Condition {
        Condition::from_bits(bits)
    }

    fn holds(terms: &[Term], present: u32) -> bool {
        terms
            .iter()
            .all(|term| term.is_either() || (present >> term.cap() & 1 != 0) != term.is_negated())
    }

    // All sites of up to three arms with up to two terms each over three cpucaps.
    #[test]
    fn of_all_sites_exactly_the_first_arm_that_holds_has_a_condition_that_holds() {
        let literals: Vec<Condition> = (0..3)
            .flat_map(|cap| [term(cap), term(cap | Condition::NOT)])
            .collect();
        let mut all: Vec<Vec<Condition>> = literals.iter().map(|term| vec![*term]).collect();
        for a in &literals {
            all.extend(literals.iter().map(|b| vec![*a, *b]));
        }
        for a in &all {
            for b in &all {
                for c in &all {
                    let arms = [&a[..], &b[..], &c[..]];
                    let ways = disjoint(&arms).unwrap();
                    for present in 0..8 {
                        let wins = arms.iter().position(|arm| {
                            arm.iter()
                                .all(|term| (present >> term.cap() & 1 != 0) != term.is_negated())
                        });
                        let found: Vec<usize> = ways
                            .iter()
                            .enumerate()
                            .flat_map(|(arm, ways)| {
                                ways.iter()
                                    .filter(|way| holds(way, present))
                                    .map(move |_| arm)
                            })
                            .collect();
                        assert_eq!(found, Vec::from_iter(wins), "{arms:?} {present:b}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_site_with_too_many_ways_is_refused() {
        // Arms of 5 terms each, with distinct cpucaps: 5^4 ways for the last one.
        let arms: Vec<Vec<Condition>> = (0..5)
            .map(|arm| (0..5).map(|i| term(5 * arm + i)).collect())
            .collect();
        let arms: Vec<&[Condition]> = arms.iter().map(Vec::as_slice).collect();
        assert_eq!(disjoint(&arms), None);
    }
}
