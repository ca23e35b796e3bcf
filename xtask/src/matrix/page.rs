//! The results as a page in one file that loads no other file. The markup is maud's, which escapes
//! all text.

use super::grid::{Grid, text};
use super::heat::{Row, State};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use qemu_tests::results::Verdict;

/// The whole page; `qemu` names the versions of QEMU.
pub(super) fn page(grid: &Grid, heat: &[Row], skipped: &[String], qemu: &[&str]) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width";
                title { "kernel-demo: matrix" }
                style { (PreEscaped(include_str!("page.css"))) }
            }
            body {
                h1 { "kernel-demo on every machine" }
                p { (grid.total()) ", each a kernel on a machine of QEMU " (qemu.join(", ")) "." }
                h2 { "Cpucaps" }
                (legend())
                (heat_map(heat))
                h2 { "Trials" }
                p { "Sites patched, of all; by build profile and the exception level of entry." }
                (table(grid))
                h2 { "Skipped" }
                @if skipped.is_empty() { p { "Nothing." } }
                ul { @for why in skipped { li { (why) } } }
            }
        }
    };
    page.into_string()
}

fn legend() -> Markup {
    let meaning = |state| match state {
        State::Absent => "the machine lacks it",
        State::Detected => "present, and changes no site of this kernel",
        State::Patched => "has changed sites, but a site that names it is wrong",
        State::Verified => "has changed sites, and all that name it were compared from outside",
    };
    html! {
        ul.legend {
            @for state in State::ALL {
                li { span.heat.(state.name()) {} " " b { (state.name()) } ": " (meaning(state)) }
            }
        }
    }
}

fn heat_map(heat: &[Row]) -> Markup {
    let names = heat.first().map(|(_, caps)| caps.as_slice());
    html! {
        div.scroll { table.map {
            thead { tr {
                th {}
                @for (name, _) in names.unwrap_or_default() { th.cap { span { (name) } } }
            } }
            tbody {
                @for (machine, caps) in heat {
                    tr {
                        th { (machine) }
                        @for (name, state) in caps {
                            td.heat.(state.name()) title={ (machine) ": " (name) " " (state.name()) } {}
                        }
                    }
                }
            }
        } }
    }
}

fn table(grid: &Grid) -> Markup {
    html! {
        div.scroll { table.trials {
            thead { tr {
                th { "machine" }
                @for (profile, entry) in &grid.columns { th { (profile) " " (entry.name()) } }
            } }
            tbody {
                @for (machine, row) in &grid.rows {
                    tr { th { (machine) } @for verdict in row { (cell(*verdict)) } }
                }
            }
        } }
    }
}

fn cell(verdict: Option<&Verdict>) -> Markup {
    let (class, why) = match verdict {
        Some(Verdict::Ok { .. }) => ("ok", None),
        Some(Verdict::Failed(why)) => ("failed", Some(why)),
        None => ("none", None),
    };
    html! { td.(class) title=[why] { (text(verdict)) } }
}

#[cfg(test)]
mod tests {
    use super::super::grid::tests::{OK, trial};
    use super::*;
    use qemu_tests::{Profile, results::Entry};

    #[test]
    fn text_is_escaped_wherever_it_comes_from() {
        let evil = "<b>\"&'";
        let trials = [
            trial(evil, Profile::Dev, Entry::El1, Verdict::Failed(evil.into())),
            trial("max", Profile::Dev, Entry::El2, OK),
        ];
        let heat = [(evil.into(), vec![(evil.into(), State::Verified)])];
        let page = page(&Grid::new(&trials), &heat, &[evil.into()], &[evil]);
        assert!(!page.contains(evil));
        // Twice a row's name, a column's name, two titles (one with two), a reason, a version.
        assert_eq!(page.matches("&lt;b&gt;&quot;&amp;'").count(), 8);
        assert!(page.contains("ok 57/93"));
    }

    #[test]
    fn nothing_is_loaded_from_elsewhere() {
        let page = page(&Grid::new(&[]), &[], &[], &[]);
        for word in ["http:", "https:", "src=", "@import", "url("] {
            assert!(!page.contains(word), "{word}");
        }
    }
}
