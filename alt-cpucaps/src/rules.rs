//! The `detect` key.

use std::ops::RangeInclusive;

use alt_cpu::{Field, Register};
use toml::de::DeValue;

use crate::{
    entry::{Entry, Problems, array, string, wrong_type},
    model::{Fixed, MidrRange, Revision, Rule},
    parse::Value,
    problem::Problem,
    syntax::is_path,
};

/// The forms, one of which a `detect` table must have.
const FORMS: &str = "`field`, `midr`, `any`, `all`, `not` or `custom`";

/// What reads the value of one of them, within its table.
type Form = fn(&mut Entry<'_, '_>, &Value<'_>) -> Option<Rule>;

/// A rule, or complaints.
pub fn rule(value: &Value<'_>, problems: &mut Problems) -> Option<Rule> {
    match value.get_ref() {
        DeValue::String(word) if word == "always" => Some(Rule::Always),
        DeValue::String(word) => {
            problems.add(
                Problem::new(value.span(), format!("unknown rule `{word}`"))
                    .help(format!("write \"always\" or a table with {FORMS}")),
            );
            None
        }
        DeValue::Table(_) => table(value, problems),
        _ => {
            problems.add(wrong_type(value, "\"always\" or a table"));
            None
        }
    }
}

fn table(value: &Value<'_>, problems: &mut Problems) -> Option<Rule> {
    let mut entry = Entry::new(value, value.span(), "a rule", problems)?;
    let forms: [(_, Form); 6] = [
        ("field", field),
        ("midr", midr),
        ("any", |entry, value| {
            Some(Rule::Any(list(value, entry.problems)?))
        }),
        ("all", |entry, value| {
            Some(Rule::All(list(value, entry.problems)?))
        }),
        ("not", |entry, value| {
            Some(Rule::Not(Box::new(rule(value, entry.problems)?)))
        }),
        ("custom", custom),
    ];
    let present: Vec<_> = forms
        .into_iter()
        .filter_map(|(key, form)| Some((form, entry.optional(key)?)))
        .collect();
    let rule = if let [(form, value)] = *present {
        form(&mut entry, value)
    } else {
        let problem = if present.is_empty() {
            Problem::new(value.span(), format!("a rule needs one of {FORMS}"))
        } else {
            Problem::new(value.span(), format!("a rule has only one of {FORMS}"))
                .help("combine rules with `all = [{ ... }, { ... }]`")
        };
        entry.problems.add(problem);
        // Whatever the form, these are not the mistake.
        let _ = (entry.optional("min"), entry.optional("max"));
        None
    };
    entry.finish();
    rule
}

fn list(value: &Value<'_>, problems: &mut Problems) -> Option<Vec<Rule>> {
    let elements = array(value, problems)?;
    if elements.is_empty() {
        problems.add(Problem::new(value.span(), "an empty list decides nothing"));
    }
    // Every element is looked at before one that failed ends the rule.
    let rules: Vec<_> = elements
        .iter()
        .map(|element| rule(element, problems))
        .collect();
    rules.into_iter().collect()
}

fn field(entry: &mut Entry<'_, '_>, value: &Value<'_>) -> Option<Rule> {
    let min = entry.required("min", "add `min = 1`");
    let max = entry.optional("max");
    let problems = &mut *entry.problems;
    let field = lookup(value, problems);
    let (field, min) = (field?, min?);
    let range = field.min_value()..=field.max_value();
    let what = format!(
        "`{field}`, which holds {} to {}",
        range.start(),
        range.end()
    );
    let mut bound = |value| integer(value, &range, &what, problems);
    let min = bound(min);
    let max_value = match max {
        Some(max) => bound(max),
        None => Some(field.max_value()),
    };
    let (min, max_value) = (min?, max_value?);
    if let Some(max) = max
        && min > max_value
    {
        problems.add(Problem::new(
            max.span(),
            format!("no value is at least {min} and at most {max_value}"),
        ));
    }
    Some(Rule::Field {
        field,
        min,
        max: max_value,
    })
}

/// The field of this full name.
fn lookup(value: &Value<'_>, problems: &mut Problems) -> Option<&'static Field> {
    let full_name = string(value, problems)?;
    let problem = |message| Problem::new(value.span(), message);
    let Some((register_name, name)) = full_name.split_once('.') else {
        problems.add(
            problem(format!("`{full_name}` is not the name of a field"))
                .help("write register and field as in the Arm ARM: `ID_AA64ISAR0_EL1.Atomic`"),
        );
        return None;
    };
    let Some(register) = Register::from_name(register_name) else {
        problems.add(
            problem(format!("unknown ID register `{register_name}`")).suggest(
                register_name,
                Register::ALL.iter().map(|register| register.name()),
            ),
        );
        return None;
    };
    let field = register.field(name);
    if field.is_none() {
        problems.add(
            problem(format!("`{register}` has no field `{name}`"))
                .suggest(name, register.fields().iter().map(|field| field.name)),
        );
    }
    field
}

fn midr(entry: &mut Entry<'_, '_>, value: &Value<'_>) -> Option<Rule> {
    let elements = array(value, entry.problems)?;
    if elements.is_empty() {
        entry
            .problems
            .add(Problem::new(value.span(), "an empty list matches no CPU"));
    }
    let ranges: Vec<_> = elements
        .iter()
        .map(|element| range(element, entry.problems))
        .collect();
    Some(Rule::Midr(ranges.into_iter().collect::<Option<_>>()?))
}

fn range(value: &Value<'_>, problems: &mut Problems) -> Option<MidrRange> {
    let mut entry = Entry::new(value, value.span(), "a MIDR range", problems)?;
    let implementer = entry
        .required("implementer", "add `implementer = 0x41`")
        .and_then(|value| {
            integer(
                value,
                &(0..=0xff),
                "an implementer code of 8 bits",
                entry.problems,
            )
        });
    let part = entry
        .required("part", "add `part = 0xd03`")
        .and_then(|value| {
            integer(
                value,
                &(0..=0xfff),
                "a part number of 12 bits",
                entry.problems,
            )
        });
    let from = match entry.optional("from") {
        Some(value) => revision(value, entry.problems),
        None => Some(Revision {
            variant: 0,
            revision: 0,
        }),
    };
    let to_value = entry.optional("to");
    let to = match to_value {
        Some(value) => revision(value, entry.problems),
        None => Some(Revision {
            variant: 15,
            revision: 15,
        }),
    };
    if let (Some(from), Some(to), Some(value)) = (from, to, to_value)
        && from > to
    {
        entry.problems.add(Problem::new(
            value.span(),
            "the range ends before it begins",
        ));
    }
    let fixed = entry.optional("fixed");
    let fixed = match fixed {
        Some(value) => Some(self::fixed(value, from.zip(to), entry.problems)),
        None => None,
    };
    entry.finish();
    Some(MidrRange {
        // Both were checked to fit.
        implementer: implementer? as u8,
        part: part? as u16,
        from: from?,
        to: to?,
        fixed: match fixed {
            Some(fixed) => Some(fixed?),
            None => None,
        },
    })
}

fn fixed(
    value: &Value<'_>,
    range: Option<(Revision, Revision)>,
    problems: &mut Problems,
) -> Option<Fixed> {
    let mut entry = Entry::new(value, value.span(), "`fixed`", problems)?;
    let revision_value = entry.required("revision", "add `revision = \"r0p4\"`");
    let revision = revision_value.and_then(|value| self::revision(value, entry.problems));
    let bit = entry
        .required("revidr_bit", "add `revidr_bit = 8`")
        .and_then(|value| {
            integer(
                value,
                &(0..=63),
                "a bit number of REVIDR_EL1",
                entry.problems,
            )
        });
    if let (Some(revision), Some((from, to)), Some(value)) = (revision, range, revision_value)
        && !(from..=to).contains(&revision)
    {
        entry
            .problems
            .add(Problem::new(value.span(), "not a revision of this range"));
    }
    entry.finish();
    Some(Fixed {
        revision: revision?,
        bit: bit? as u8,
    })
}

fn revision(value: &Value<'_>, problems: &mut Problems) -> Option<Revision> {
    let text = string(value, problems)?;
    // `parse` takes a sign as well.
    let number = |digits: &str| {
        let number = digits.parse().ok().filter(|number| *number <= 15);
        number.filter(|_| !digits.starts_with('+'))
    };
    let revision = text
        .strip_prefix('r')
        .and_then(|rest| rest.split_once('p'))
        .and_then(|(variant, revision)| {
            Some(Revision {
                variant: number(variant)?,
                revision: number(revision)?,
            })
        });
    if revision.is_none() {
        problems.add(
            Problem::new(value.span(), format!("`{text}` is not a revision"))
                .help("write `r<variant>p<revision>`, each 0 to 15, such as `r0p4`"),
        );
    }
    revision
}

fn custom(entry: &mut Entry<'_, '_>, value: &Value<'_>) -> Option<Rule> {
    let path = string(value, entry.problems)?;
    let is_path = is_path(path);
    if !is_path {
        entry.problems.add(
            Problem::new(value.span(), "not a path to a function")
                .help("write one such as \"crate::cpu::has_quirk\""),
        );
    }
    is_path.then(|| Rule::Custom(path.to_owned()))
}

/// An integer within `range`.
fn integer(
    value: &Value<'_>,
    range: &RangeInclusive<i64>,
    what: &str,
    problems: &mut Problems,
) -> Option<i64> {
    let Some(integer) = value.get_ref().as_integer() else {
        problems.add(wrong_type(value, "an integer"));
        return None;
    };
    let number = i64::from_str_radix(integer.as_str(), integer.radix())
        .ok()
        .filter(|number| range.contains(number));
    if number.is_none() {
        problems.add(Problem::new(
            value.span(),
            format!("{integer} does not fit {what}"),
        ));
    }
    number
}
