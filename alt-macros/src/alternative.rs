//! `alternative!` and `alternative_cb!`: instructions, and what they become under a
//! condition.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::parse::discouraged::Speculative;
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{Ident, LitStr, Path, Token, token};

use crate::condition::{self, Condition};
use crate::operand::{self, Operands, Piece};
use crate::reach;

/// `CAP => BODY`
struct Arm {
    /// Where the condition begins.
    head: Span,
    condition: Condition,
    body: Body,
}

/// What the default becomes.
enum Body {
    /// `"…", "…"`
    Text(Vec<Piece>),
    /// A path: the callback that computes it.
    Callback(Path),
    /// `nops`
    Nops,
}

/// The default instructions, the arms, and the operands that all of them share.
pub struct Alternative {
    default: Vec<Piece>,
    arms: Vec<Arm>,
    operands: Operands,
}

/// An [`Alternative`] whose arms may be callbacks.
pub struct AlternativeCb(pub Alternative);

impl Parse for Alternative {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        Self::parse_arms(input, Body::parse_text)
    }
}

impl Parse for AlternativeCb {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        Alternative::parse_arms(input, Body::parse_any).map(Self)
    }
}

impl Alternative {
    /// `body` parses what follows the `=>` of an arm.
    fn parse_arms(
        input: ParseStream,
        body: impl Fn(ParseStream) -> syn::Result<Body>,
    ) -> syn::Result<Self> {
        let mut default = Vec::new();
        let mut arms: Vec<Arm> = Vec::new();
        let mut operands = Operands::default();
        let mut in_operands = false;
        while !input.is_empty() {
            if input.peek(Token![#]) {
                return Err(input.error(
                    "attributes are not supported here: a cpucap whose `cfg` in the TOML file does not hold leaves its arms out",
                ));
            } else if operand::peek(input) {
                in_operands = true;
                operands.parse_one(input)?;
            } else if in_operands {
                return Err(input.error("instructions and arms come before the operands"));
            } else if let Some((head, condition, arrow)) = parse_head(input)? {
                if input.is_empty() || input.peek(Token![,]) {
                    return Err(syn::Error::new(arrow, EMPTY_ARM));
                }
                let body = body(input)?;
                arms.push(Arm {
                    head,
                    condition,
                    body,
                });
            } else {
                let piece: Piece = input.parse()?;
                if input.peek(Token![=>]) {
                    return Err(syn::Error::new(
                        piece.span(),
                        "the condition of an arm is made of names of cpucaps, without quotes: `CAP => \"…\"`",
                    ));
                }
                match arms.last_mut().map(|arm| &mut arm.body) {
                    None => default.push(piece),
                    Some(Body::Text(text)) => text.push(piece),
                    Some(Body::Callback(_) | Body::Nops) => {
                        return Err(syn::Error::new(
                            piece.span(),
                            "this arm has no instructions of its own: it ends before this text",
                        ));
                    }
                }
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Self {
            default,
            arms,
            operands,
        }
        .validate()
    }
}

const EMPTY_ARM: &str =
    "this arm has no instructions: to replace the default by nothing write `\"nop\"`";

impl Body {
    fn parse_text(input: ParseStream) -> syn::Result<Self> {
        if let Some(path) = parse_path(&input.fork()).filter(is_nops) {
            return Err(syn::Error::new_spanned(
                path,
                "expected instructions: `nops` is for `alternative_cb!`",
            ));
        }
        Ok(Self::Text(vec![input.parse()?]))
    }

    fn parse_any(input: ParseStream) -> syn::Result<Self> {
        let ahead = input.fork();
        let Some(path) = parse_path(&ahead) else {
            return Ok(Self::Text(vec![input.parse()?]));
        };
        input.advance_to(&ahead);
        Ok(if is_nops(&path) {
            Self::Nops
        } else {
            Self::Callback(path)
        })
    }
}

fn is_nops(path: &Path) -> bool {
    path.is_ident("nops")
}

/// A path and nothing more, where instructions could stand.
fn parse_path(input: ParseStream) -> Option<Path> {
    let path = input.parse().ok()?;
    (input.is_empty() || input.peek(Token![,])).then_some(path)
}

/// `CONDITION =>`, if that is what comes next.
fn parse_head(input: ParseStream) -> syn::Result<Option<(Span, Condition, Span)>> {
    if input.peek(LitStr) {
        return Ok(None);
    }
    let head = input.span();
    let ahead = input.fork();
    let condition = Condition::parse_after(head, &ahead);
    if condition.is_ok() && ahead.peek(Token![!]) {
        return Ok(None); // a macro call such as `concat!("…")`
    }
    // Not an expression of any kind a template could be: the head is at fault.
    let condition = condition?;
    if !ahead.peek(Token![=>]) {
        if ahead.peek(token::Paren) {
            return Err(operand::no_operand(&input.parse()?));
        }
        return Err(ahead.error("expected `=>` and instructions after the condition of an arm"));
    }
    let arrow: Token![=>] = ahead.parse()?;
    input.advance_to(&ahead);
    Ok(Some((head, condition, arrow.spans[0])))
}

impl Alternative {
    fn validate(self) -> syn::Result<Self> {
        if self.default.iter().all(Piece::is_blank) {
            let default = self.default.first().map(Piece::span);
            let arm = self.arms.first().map(|arm| arm.head);
            return Err(syn::Error::new(
                default.or(arm).unwrap_or_else(Span::call_site),
                "the default instructions are missing: they come first, and run until the patch and wherever no arm applies",
            ));
        }
        if self.arms.is_empty() {
            return Err(syn::Error::new(
                Span::call_site(),
                "there is no arm: add `CAP => \"instructions\"`, or use `asm!`",
            ));
        }
        for arm in &self.arms {
            if let Body::Text(text) = &arm.body
                && text.iter().all(Piece::is_blank)
            {
                return Err(syn::Error::new(text[0].span(), EMPTY_ARM));
            }
        }
        Ok(self)
    }
}

/// Expands to one `asm!`: the default in place; each arm and its records in
/// sections beside it. All share the operands, so the register allocator serves
/// every variant.
pub fn expand(input: Alternative) -> syn::Result<TokenStream> {
    let Alternative {
        default,
        arms,
        operands,
    } = input;
    let template = |pieces: &[Piece]| -> syn::Result<Vec<TokenStream>> {
        pieces
            .iter()
            .map(|piece| piece.template(operands.raw))
            .collect()
    };
    let check_default = check_default(default[0].span());
    let default = template(&default)?;
    let mut consts = Vec::new();
    let mut checks = Vec::new();
    let mut body = Vec::new();
    for (i, arm) in arms.iter().enumerate() {
        let flag = format_ident!("__alt_p{i}");
        let possible = arm.condition.possible();
        consts.push(quote!(#flag = const #possible));
        let open = format!(".if {{{flag}}}");
        let records = records(i, arm, &mut consts);
        let text = match &arm.body {
            Body::Text(text) => text,
            Body::Callback(path) => {
                let symbol = callback(i);
                consts.push(quote!(#symbol = sym #path));
                // `sym` takes any static or function. In a function, since a constant may not
                // name a static that the linker finds elsewhere.
                let here = Span::call_site().located_at(path.span());
                checks.push(quote_spanned! {here=>
                    const _: fn() -> &'static ::alt_runtime::Callback = || &#path;
                });
                body.push(quote!(#open, #(#records,)* ".endif",));
                continue;
            }
            Body::Nops => {
                body.push(quote!(#open, #(#records,)* ".endif",));
                continue;
            }
        };
        let check = check_arm(text[0].span());
        let (begin, end) = if reach::is_short(text) {
            (
                quote!(__alt_near_replacement),
                quote!(__alt_near_replacement_end),
            )
        } else {
            (quote!(__alt_replacement), quote!(__alt_replacement_end))
        };
        let text = template(text)?;
        body.push(quote! {
            #open,
            ::alt_runtime::#begin!(),
            #(#text,)*
            ::alt_runtime::#end!(),
            #check,
            #(#records,)*
            ".endif",
            ".endif",
        });
    }
    let any = arms.iter().map(|arm| arm.condition.possible());
    consts.push(quote!(__alt_any = const (0 #(| #any)*)));
    let operands = operands.with(&consts);

    let asm = quote! {
        ::core::arch::asm!(
            ::alt_runtime::__alt_open!(),
            #(#default,)*
            ::alt_runtime::__alt_end!(),
            #check_default,
            #(#body)*
            ".if {__alt_any}",
            ::alt_runtime::__alt_plan_room!(),
            ".endif",
            ".endif",
            ::alt_runtime::__alt_close!(),
            #operands
        )
    };
    Ok(if checks.is_empty() {
        asm
    } else {
        quote!({ #(#checks)* #asm })
    })
}

/// The operand that names the callback of this arm.
fn callback(arm: usize) -> Ident {
    format_ident!("__alt_f{arm}")
}

/// One record for each term; `A | B` is two runs of records of one replacement.
fn records(index: usize, arm: &Arm, consts: &mut Vec<TokenStream>) -> Vec<TokenStream> {
    let is_callback = !matches!(arm.body, Body::Text(_));
    let mut records = Vec::new();
    for (i, all) in arm.condition.any.iter().enumerate() {
        let flag = format_ident!("__alt_p{index}_{i}");
        let possible = condition::possible(all);
        consts.push(quote!(#flag = const #possible as u8));
        let open = format!(".if {{{flag}}}");
        records.push(quote!(#open));
        for (j, word) in condition::words(all, is_callback).enumerate() {
            let name = format_ident!("__alt_c{index}_{i}_{j}");
            let text = format!("{{{name}}}");
            consts.push(quote!(#name = const #word));
            records.push(match &arm.body {
                Body::Text(_) => quote!(::alt_runtime::__alt_alternative_record!(#text)),
                Body::Nops => quote!(::alt_runtime::__alt_nops_record!(#text)),
                Body::Callback(_) => {
                    let symbol = format!("{{{}}}", callback(index));
                    quote!(::alt_runtime::__alt_callback_record!(#text, #symbol))
                }
            });
        }
        records.push(quote!(".endif"));
    }
    records
}

// Only the assembler knows how long a line becomes, so it finds the errors below.
// Each check ends in `.else`: what follows, up to an `.endif`, is for code that
// is in order. The text carries the span of the code at fault.

fn check_default(at: Span) -> LitStr {
    let text = "\
        .if 9062b - 9061b == 0\n\
        .error \"no instruction of the default was assembled: the default runs until the patch and wherever no arm applies; to do nothing write `nop`\"\n\
        .elseif (9062b - 9061b) % 4\n\
        .error \"the default is not made of whole instructions: move data elsewhere\"\n\
        .elseif 9062b - 9061b > 4 * 255\n\
        .error \"the default has more than the 255 instructions of a site: move them into a function and make the site a branch\"\n\
        .else";
    LitStr::new(text, at)
}

fn check_arm(at: Span) -> LitStr {
    // Numbers come into a message by a macro alone, and a message of a macro
    // has no place in the source: hence two errors for one fault.
    let text = "\
        .if 9064b - 9063b == 0\n\
        .error \"no instruction of this arm was assembled: an instruction of an extension needs `.arch_extension` before it; to do nothing write `nop`\"\n\
        .elseif (9064b - 9063b) % 4\n\
        .error \"this arm is not made of whole instructions: move data elsewhere\"\n\
        .elseif 9064b - 9063b > 9062b - 9061b\n\
        .error \"this arm is longer than the default: pad the default with `nop`, or shorten the arm\"\n\
        .macro __alt_error new, old\n\
        .error \"the arm has \\new instructions, the default \\old\"\n\
        .endm\n\
        .altmacro\n\
        __alt_error %((9064b - 9063b) / 4), %((9062b - 9061b) / 4)\n\
        .noaltmacro\n\
        .purgem __alt_error\n\
        .else";
    LitStr::new(text, at)
}
