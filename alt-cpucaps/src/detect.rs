//! The `detect` key.

use std::ops::RangeInclusive;

use alt_cpu::{Field, MAX_NESTING, MidrRange, Register, RevidrFix, Revision};
use toml::de::DeValue;

use crate::{
    document::{Entry, Problem, Problems, Value, array, string, wrong_type},
    model::Detect,
    syntax::is_path,
};

/// The keys of a condition. A condition has exactly one of them.
const FORMS: &str = "`field`, `midr`, `any`, `all`, `not` or `custom`";

/// A function that reads the value of one of these keys; `Entry` is the table that has the key.
type Form = fn(&mut Entry<'_, '_>, &Value<'_>) -> Option<Detect>;

/// The condition of a cpucap, in `value`; `None`, with problems, if it is not valid.
pub fn detect(value: &Value<'_>, problems: &mut Problems) -> Option<Detect> {
    let condition = part(value, problems)?;
    let nesting = condition.nesting();
    if nesting > MAX_NESTING {
        let message = format!(
            "lists are nested {nesting} levels deep: a kernel evaluates at most {MAX_NESTING}"
        );
        problems.add(Problem::new(value.span(), message));
        return None;
    }
    Some(condition)
}

/// A condition, or a part of one.
fn part(value: &Value<'_>, problems: &mut Problems) -> Option<Detect> {
    match value.get_ref() {
        DeValue::String(word) if word == "always" => Some(Detect::Always),
        DeValue::String(word) => {
            problems.add(
                Problem::new(value.span(), format!("unknown condition `{word}`"))
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

fn table(value: &Value<'_>, problems: &mut Problems) -> Option<Detect> {
    let mut entry = Entry::new(value, value.span(), "a condition", problems)?;
    let forms: [(_, Form); 6] = [
        ("field", field),
        ("midr", midr),
        ("any", |entry, value| {
            Some(Detect::Any(list(value, entry.problems)?))
        }),
        ("all", |entry, value| {
            Some(Detect::All(list(value, entry.problems)?))
        }),
        ("not", |entry, value| {
            Some(Detect::Not(Box::new(part(value, entry.problems)?)))
        }),
        ("custom", custom),
    ];
    let present: Vec<_> = forms
        .into_iter()
        .filter_map(|(key, form)| Some((form, entry.optional(key)?)))
        .collect();
    let condition = if let [(form, value)] = *present {
        form(&mut entry, value)
    } else {
        let problem = if present.is_empty() {
            Problem::new(value.span(), format!("a condition needs one of {FORMS}"))
        } else {
            Problem::new(value.span(), format!("a condition has only one of {FORMS}"))
                .help("combine conditions with `all = [{ ... }, { ... }]`")
        };
        entry.problems.add(problem);
        // With any form, these keys are not the mistake: do not report them as unknown.
        let _ = (entry.optional("min"), entry.optional("max"));
        None
    };
    entry.finish();
    condition
}

fn list(value: &Value<'_>, problems: &mut Problems) -> Option<Vec<Detect>> {
    let elements = array(value, problems)?;
    if elements.is_empty() {
        problems.add(Problem::new(value.span(), "the list is empty"));
    }
    // Check every element before a failed one ends the condition.
    let parts: Vec<_> = elements
        .iter()
        .map(|element| part(element, problems))
        .collect();
    parts.into_iter().collect()
}

fn field(entry: &mut Entry<'_, '_>, value: &Value<'_>) -> Option<Detect> {
    let min = entry.required("min", "add `min = 1`");
    let max = entry.optional("max");
    let problems = &mut *entry.problems;
    let field = lookup(value, problems);
    let (field, min) = (field?, min?);
    let range = field.min_value()..=field.max_value();
    let what = format!(
        "`{field}`, which has values from {} to {}",
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
            format!("`max` is less than `min`, {min}"),
        ));
    }
    Some(Detect::Field {
        field,
        min,
        max: max_value,
    })
}

/// The field with the full name in `value`.
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

fn midr(entry: &mut Entry<'_, '_>, value: &Value<'_>) -> Option<Detect> {
    let elements = array(value, entry.problems)?;
    if elements.is_empty() {
        entry
            .problems
            .add(Problem::new(value.span(), "the list is empty"));
    }
    let ranges: Vec<_> = elements
        .iter()
        .map(|element| range(element, entry.problems))
        .collect();
    Some(Detect::Midr(ranges.into_iter().collect::<Option<_>>()?))
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
        None => Some(Revision::FIRST),
    };
    let to_value = entry.optional("to");
    let to = match to_value {
        Some(value) => revision(value, entry.problems),
        None => Some(Revision::LAST),
    };
    if let (Some(from), Some(to), Some(value)) = (from, to, to_value)
        && from > to
    {
        entry
            .problems
            .add(Problem::new(value.span(), "`to` is less than `from`"));
    }
    let fixed = entry
        .optional("fixed")
        .map(|value| self::fixed(value, from.zip(to), entry.problems));
    entry.finish();
    Some(MidrRange {
        // `integer` has checked the ranges.
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
) -> Option<RevidrFix> {
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
        entry.problems.add(Problem::new(
            value.span(),
            "this revision is not in the range",
        ));
    }
    entry.finish();
    Some(RevidrFix {
        revision: revision?,
        bit: bit? as u8,
    })
}

fn revision(value: &Value<'_>, problems: &mut Problems) -> Option<Revision> {
    let text = string(value, problems)?;
    // `parse` also accepts a sign.
    let number = |digits: &str| {
        let number = digits.parse().ok().filter(|number| *number <= 15);
        number.filter(|_| !digits.starts_with('+'))
    };
    let revision = text
        .strip_prefix('r')
        .and_then(|rest| rest.split_once('p'))
        .and_then(|(variant, revision)| Some(Revision::new(number(variant)?, number(revision)?)));
    if revision.is_none() {
        problems.add(
            Problem::new(value.span(), format!("`{text}` is not a revision"))
                .help("write `r<variant>p<revision>`, each 0 to 15, such as `r0p4`"),
        );
    }
    revision
}

fn custom(entry: &mut Entry<'_, '_>, value: &Value<'_>) -> Option<Detect> {
    let path = string(value, entry.problems)?;
    let is_path = is_path(path);
    if !is_path {
        entry.problems.add(
            Problem::new(value.span(), "not a path of a function")
                .help("write a path such as \"crate::cpu::has_quirk\""),
        );
    }
    is_path.then(|| Detect::Custom(path.to_owned()))
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
