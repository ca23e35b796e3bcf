//! The operands of `asm!`, parsed as far as needed to insert our own `const` operands in an order that
//! `asm!` accepts.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Block, Expr, Ident, LitStr, Path, Token, parenthesized};

const KEYWORDS: [&str; 10] = [
    "in",
    "out",
    "inout",
    "lateout",
    "inlateout",
    "const",
    "sym",
    "label",
    "options",
    "clobber_abi",
];

/// Whether an operand starts here (not a template string and not an arm).
pub fn peek(input: ParseStream) -> bool {
    let ahead = input.fork();
    let Ok(word) = Ident::parse_any(&ahead) else {
        return false;
    };
    let named = ahead.peek(Token![=]) && !ahead.peek(Token![=>]) && !ahead.peek(Token![==]);
    // The name of a cpucap may be a keyword of `asm!`; then `=>`, `&` or `|` follows.
    let keyword = KEYWORDS.contains(&word.to_string().as_str())
        && !ahead.peek(Token![=>])
        && !ahead.peek(Token![&])
        && !ahead.peek(Token![|]);
    named || keyword
}

/// The operands of one macro call.
#[derive(Default)]
pub struct Operands {
    list: Vec<TokenStream>,
    /// The number of operands up to the last positional one.
    positional: usize,
    /// A named operand or an explicit register was parsed.
    named: bool,
    /// The expressions of the inputs.
    inputs: Vec<TokenStream>,
    /// `options(raw)` was given: braces in the template are literal.
    pub raw: bool,
}

impl Operands {
    /// Parses one operand and keeps it.
    pub fn parse_one(&mut self, input: ParseStream) -> syn::Result<()> {
        let start = input.span();
        let mut name = None;
        if input.peek2(Token![=]) {
            let ident = Ident::parse_any(input)?;
            if ident.to_string().starts_with("__alt") {
                return Err(syn::Error::new(
                    ident.span(),
                    "names that begin with `__alt` are used by the macro itself: choose another",
                ));
            }
            input.parse::<Token![=]>()?;
            name = Some(ident);
        }
        if self.parse_kind(input, name)? {
            // The error of `asm!` would name our own operands.
            if self.named {
                return Err(syn::Error::new(
                    start,
                    "positional operands come before named ones and explicit registers",
                ));
            }
            self.positional = self.list.len();
        }
        Ok(())
    }

    /// Parses the operand after its name. Returns whether it is positional.
    fn parse_kind(&mut self, input: ParseStream, name: Option<Ident>) -> syn::Result<bool> {
        let keyword = Ident::parse_any(input)?;
        let prefix = name.as_ref().map(|n| quote!(#n =));
        let mut by_name = name.is_some();
        let rest = match keyword.to_string().as_str() {
            kind @ ("in" | "out" | "inout" | "lateout" | "inlateout") => {
                let content;
                parenthesized!(content in input);
                // An explicit register: `in("x0")`.
                by_name |= content.peek(LitStr);
                let register: TokenStream = content.parse()?;
                let mut rest = quote!((#register));
                let value = input.parse::<Expr>()?;
                value.to_tokens(&mut rest);
                if kind.starts_with("in") {
                    self.inputs.push(value.into_token_stream());
                }
                if kind.starts_with("in") && kind != "in" && input.peek(Token![=>]) {
                    input.parse::<Token![=>]>()?.to_tokens(&mut rest);
                    input.parse::<Expr>()?.to_tokens(&mut rest);
                }
                rest
            }
            "const" => {
                let value = input.parse::<Expr>()?.into_token_stream();
                self.inputs.push(value.clone());
                value
            }
            "sym" => input.parse::<Path>()?.to_token_stream(),
            "label" => input.parse::<Block>()?.to_token_stream(),
            "clobber_abi" => {
                let content;
                parenthesized!(content in input);
                let abis: TokenStream = content.parse()?;
                self.list.push(quote!(#prefix #keyword (#abis)));
                return Ok(false);
            }
            "options" => {
                let options = self.parse_options(input)?;
                self.list.push(quote!(#prefix #keyword (#(#options),*)));
                return Ok(false);
            }
            _ => return Err(no_operand(&keyword)),
        };
        self.list.push(quote!(#prefix #keyword #rest));
        self.named |= by_name;
        Ok(!by_name)
    }

    /// The options for `asm!`.
    fn parse_options(&mut self, input: ParseStream) -> syn::Result<Vec<Ident>> {
        let content;
        parenthesized!(content in input);
        let options =
            Punctuated::<Ident, Token![,]>::parse_terminated_with(&content, Ident::parse_any)?;
        let mut kept = Vec::new();
        for option in options {
            match option.to_string().as_str() {
                "pure" => {
                    return Err(syn::Error::new(
                        option.span(),
                        "`pure` is not allowed here: the compiler would merge this site with one that runs before the patch; remove it",
                    ));
                }
                // Our own text needs placeholders, so the user's braces are escaped instead.
                "raw" => self.raw = true,
                _ => kept.push(option),
            }
        }
        Ok(kept)
    }

    /// The expressions of the inputs.
    pub fn inputs(&self) -> &[TokenStream] {
        &self.inputs
    }

    /// All operands in order, with the named operands `ours` after the positional ones.
    pub fn with(&self, ours: &[TokenStream]) -> TokenStream {
        let (positional, others) = self.list.split_at(self.positional);
        quote!(#(#positional,)* #(#ours,)* #(#others,)*)
    }
}

/// The error for `keyword` in place of the kind of an operand.
pub fn no_operand(keyword: &Ident) -> syn::Error {
    syn::Error::new(
        keyword.span(),
        format!(
            "`{keyword}` is not an operand of `asm!`: write `in(reg)`, `out(reg)`, `inout(reg)`, `lateout(reg)`, `inlateout(reg)`, `const`, `sym` or `label`"
        ),
    )
}

/// A piece of the template: a string literal, or a macro call such as `concat!`
/// that expands to one.
pub struct Piece(Expr);

impl Parse for Piece {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let mut expr: Expr = input.parse()?;
        // A fragment of a `macro_rules!`, such as `$text:expr`.
        while let Expr::Group(group) = expr {
            expr = *group.expr;
        }
        match &expr {
            Expr::Lit(lit) if matches!(lit.lit, syn::Lit::Str(_)) => Ok(Self(expr)),
            Expr::Macro(_) => Ok(Self(expr)),
            _ => Err(syn::Error::new(
                expr.span(),
                "expected instructions (a string literal, or a macro call that expands to one), an arm `CAP => \"…\"`, or an operand of `asm!`",
            )),
        }
    }
}

impl Piece {
    /// Its location in the source.
    pub fn span(&self) -> Span {
        self.0.span()
    }

    /// Whether this is a literal without text. The text of a macro call is not known.
    pub fn is_blank(&self) -> bool {
        self.literal().is_some_and(|s| s.value().trim().is_empty())
    }

    /// The text, if the piece is a literal.
    pub fn text(&self) -> Option<String> {
        self.literal().map(LitStr::value)
    }

    fn literal(&self) -> Option<&LitStr> {
        match &self.0 {
            Expr::Lit(syn::ExprLit {
                lit: syn::Lit::Str(s),
                ..
            }) => Some(s),
            _ => None,
        }
    }

    /// The piece as a template of `asm!`; with `raw`, its braces are escaped.
    pub fn template(&self, raw: bool) -> syn::Result<TokenStream> {
        if !raw {
            if self.literal().is_some_and(|s| s.value().contains("{__alt")) {
                return Err(syn::Error::new(
                    self.span(),
                    "placeholders that begin with `__alt` are used by the macro itself: name an operand of yours",
                ));
            }
            return Ok(self.0.to_token_stream());
        }
        let literal = self.literal().ok_or_else(|| {
            syn::Error::new(self.span(), "with `options(raw)` instructions must be string literals: write one, or remove `raw` and double the braces")
        })?;
        let escaped = literal.value().replace('{', "{{").replace('}', "}}");
        Ok(LitStr::new(&escaped, literal.span()).to_token_stream())
    }
}
