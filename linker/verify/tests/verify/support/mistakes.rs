//! What is said of a rules file that cannot be followed.

use alt_image::image::Image;
use alt_verify::config::Config;
use libtest_mimic::Failed;

/// A file, and the beginnings of what is said about it, in order.
type Mistake = (&'static str, &'static [&'static str]);

const MISTAKES: &[Mistake] = &[
    (
        "[regions]",
        &["r.toml:1:2: unknown table `regions` in a rules file"],
    ),
    ("[[region]\n", &["r.toml:1:"]),
    (
        "region = 1",
        &["r.toml:1:10: expected an array, found integer"],
    ),
    ("init = 1", &["r.toml:1:8: expected a table, found integer"]),
    (
        "[init]\nstrat = \"a\"",
        &["r.toml:2:1: unknown key `strat` in [init]"],
    ),
    (
        "[init]\nstart = 5\nend = \"hyp_end\"",
        &[
            "r.toml:1:2: `start` and `end` go together",
            "r.toml:2:9: expected a string, found integer",
        ],
    ),
    (
        "[init]\nstart = \"hyp_start\"",
        &["r.toml:1:2: `start` and `end` go together"],
    ),
    (
        "[init]\nstart = \"hyp_end\"\nend = \"hyp_start\"",
        &["r.toml:2:9: nothing lies between 0x"],
    ),
    (
        "[init]\nstart = \"hyp_start\"\nend = \"hyp_stop\"",
        &["r.toml:3:7: the image has no symbol `hyp_stop`"],
    ),
    (
        "[init]\nsections = [\".txt\"]",
        &["r.toml:2:13: the image has no section `.txt`"],
    ),
    (
        "[init]\nmay-refer = \"main\"",
        &["r.toml:2:13: expected an array, found string"],
    ),
    (
        "[[before-final]]",
        &[
            "r.toml:1:1: [[before-final]] needs `scope`",
            "r.toml:1:1: [[before-final]] needs `functions`",
        ],
    ),
    (
        "[[before-final]]\nscope = \"local\"\nfunctions = [\"nobody\", 1]\nreach = 1",
        &[
            "r.toml:2:9: `local` is not a scope that becomes final",
            "r.toml:3:14: the image has no symbol `nobody`",
            "r.toml:3:24: expected a string, found integer",
            "r.toml:4:9: expected true or false, found integer",
        ],
    ),
    ("[[region]]", &["r.toml:1:1: [[region]] needs `name`"]),
    (
        "[[region]]\nname = \"hyp\"",
        &["r.toml:1:1: the region has no addresses"],
    ),
    (
        "[[region]]\nname = \"hyp\"\nsymbols = [\"hypp_*\"]",
        &["r.toml:3:12: the image has no symbol `hypp_*`"],
    ),
    (
        "[[region]]\nname = \"hyp\"\nsections = [\".text\"]\nforbid-registers = [\"x31\"]",
        &["r.toml:4:21: `x31` is not a register"],
    ),
    (
        "[[region]]\nname = \"hyp\"\nsections = [\".text\"]\n\
         forbid-instructions = [\"fp-smid\", \"MRS\", \"\"]",
        &[
            "r.toml:4:24: there is no class of instructions `fp-smid`",
            "r.toml:4:35: `MRS` is not a mnemonic",
            "r.toml:4:42: `` is not a mnemonic",
        ],
    ),
    (
        "[[region]]\nname = \"hyp\"\nsections = [\".text\"]\n\
         may-call-indirectly = \"main\"\nforbid-sites = 1",
        &[
            "r.toml:4:23: expected an array, found string",
            "r.toml:5:16: expected true or false, found integer",
        ],
    ),
    (
        "[[no-reference]]",
        &[
            "r.toml:1:1: [[no-reference]] needs `from`",
            "r.toml:1:1: [[no-reference]] needs `to`",
            "r.toml:1:1: [[no-reference]] needs `why`",
        ],
    ),
    (
        "[[no-reference]]\nfrom = [\".txt\", 1]\nto = [\"hyp_start\", \"nobody\"]\nwhy = 1",
        &[
            "r.toml:2:9: the image has no section and no symbol `.txt`",
            "r.toml:2:17: expected a string, found integer",
            "r.toml:3:20: the image has no section and no symbol `nobody`",
            "r.toml:4:7: expected a string, found integer",
        ],
    ),
    (
        "[[no-reference]]\nfrom = []\nto = \".text\"\nwhy = \"a\"",
        &[
            "r.toml:2:8: the list is empty",
            "r.toml:3:6: expected an array, found string",
        ],
    ),
    (
        "[[bounds]]",
        &[
            "r.toml:1:1: [[bounds]] needs `of`",
            "r.toml:1:1: these bounds have no addresses",
        ],
    ),
    (
        "[[bounds]]\nof = \"heap\"\nstart = \"hyp_start\"\nend = \"hyp_end\"",
        &["r.toml:2:6: `heap` has no bounds"],
    ),
    (
        "[[bounds]]\nof = \"text\"\nsections = [\".txt\"]",
        &["r.toml:3:13: the image has no section `.txt`"],
    ),
    (
        "[[bounds]]\nof = \"image\"\nstart = \"hyp_start\"",
        &[
            "r.toml:1:1: [[bounds]] needs `end`",
            "r.toml:3:1: unknown key `start` in [[bounds]]",
        ],
    ),
    (
        "[[bounds]]\nof = \"image\"\nend = \"hyp_stop\"",
        &["r.toml:3:7: the image has no symbol `hyp_stop`"],
    ),
    (
        "[kernel]\nroom = [\"ROOM\"]\nself-relative = [\"ex_table\"]",
        &[
            "r.toml:2:9: the image has no symbol `ROOM`",
            "r.toml:3:18: the image has no section `ex_table`",
        ],
    ),
    (
        "no-reference = 1",
        &["r.toml:1:16: expected an array, found integer"],
    ),
];

/// Complete, as a person sees it.
const WHOLE: (&str, &str) = (
    "[[region]]\nname = \"hyp\"\nsections = [\".text\"]\nforbid-register = [\"x18\"]",
    "r.toml:4:1: unknown key `forbid-register` in [[region]]\n  \
     |\n4 | forbid-register = [\"x18\"]\n  | ^^^^^^^^^^^^^^^\n  \
     = help: did you mean `forbid-registers`?",
);

pub fn judge(image: &Image) -> Result<(), Failed> {
    let (text, said) = WHOLE;
    let whole = Config::from_toml("r.toml", text, image).err();
    if whole.as_ref().map(ToString::to_string).as_deref() != Some(said) {
        return Err(format!("{text}\n{whole:#?}").into());
    }
    for (text, expected) in MISTAKES {
        let error = Config::from_toml("r.toml", text, image).err();
        let Some(error) = error else {
            return Err(format!("no mistake in\n{text}").into());
        };
        let all = error.0.len() == expected.len()
            && error
                .0
                .iter()
                .zip(*expected)
                .all(|(said, begin)| said.starts_with(begin));
        if !all {
            return Err(format!("{text}\n{error}").into());
        }
    }
    Ok(())
}
