//! The modules of a crate, as its sources state them: files, names, imports and paths.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
};
use syn::{
    Attribute, Item, ItemMod, ItemUse, Meta, UseTree, Visibility,
    visit::{self, Visit},
};

/// Why the sources of a crate cannot be judged.
#[derive(Debug, thiserror::Error)]
pub(super) enum SourceError {
    #[error("{path}: {source}", path = path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{path}:{line}: {source}", path = path.display(), line = source.span().start().line)]
    Parse { path: PathBuf, source: syn::Error },
    #[error("{path}: module `{name}` has neither {name}.rs nor {name}/mod.rs", path = path.display())]
    NoFile { path: PathBuf, name: String },
}

/// A crate: its modules, the root first, parents before their children. Items of tests
/// (`#[cfg(test)]`) are left out.
pub(super) struct Crate {
    pub(super) modules: Vec<Module>,
}

/// A module of its own file, or an inline one.
pub(super) struct Module {
    /// Path from the crate root, such as `patch::plan`; empty for the root.
    pub(super) path: String,
    pub(super) parent: Option<usize>,
    /// The module that owns the file it is in: itself, unless it is inline.
    pub(super) owner: usize,
    pub(super) file: PathBuf,
    pub(super) names: HashMap<String, Vec<Binding>>,
    /// The paths of its glob imports.
    pub(super) globs: Vec<Vec<String>>,
    pub(super) references: Vec<Reference>,
}

/// The binding of a name in a module.
pub(super) enum Binding {
    /// An item of the module with this index.
    Item(usize),
    Module(usize),
    /// An import of the path.
    Import(Vec<String>),
}

/// A path in the text of a module.
pub(super) struct Reference {
    pub(super) segments: Vec<String>,
    pub(super) line: usize,
}

impl Crate {
    /// Parses a crate from the file of its root module.
    pub(super) fn read(root: &Path) -> Result<Self, SourceError> {
        let mut reader = Reader {
            modules: Vec::new(),
        };
        let folder = root.parent().unwrap_or(root);
        reader.file(root, folder, String::new(), None)?;
        Ok(Self {
            modules: reader.modules,
        })
    }
}

/// Reads files, one module after the other.
struct Reader {
    modules: Vec<Module>,
}

/// Where the text of a module is.
struct Place<'a> {
    module: usize,
    file: &'a Path,
    /// The folder of the files of its child modules.
    folder: &'a Path,
}

impl Reader {
    fn file(
        &mut self,
        file: &Path,
        folder: &Path,
        path: String,
        parent: Option<usize>,
    ) -> Result<usize, SourceError> {
        let text = fs::read_to_string(file).map_err(|source| SourceError::Read {
            path: file.to_owned(),
            source,
        })?;
        let parsed = syn::parse_file(&text).map_err(|source| SourceError::Parse {
            path: file.to_owned(),
            source,
        })?;
        let module = self.add(path, parent, self.modules.len(), file);
        let place = Place {
            module,
            file,
            folder,
        };
        self.items(&place, &parsed.items)?;
        Ok(module)
    }

    fn add(&mut self, path: String, parent: Option<usize>, owner: usize, file: &Path) -> usize {
        self.modules.push(Module {
            path,
            parent,
            owner,
            file: file.to_owned(),
            names: HashMap::new(),
            globs: Vec::new(),
            references: Vec::new(),
        });
        self.modules.len() - 1
    }

    fn items(&mut self, place: &Place<'_>, items: &[Item]) -> Result<(), SourceError> {
        for item in items.iter().filter(|item| !is_of_tests(attributes(item))) {
            match item {
                Item::Mod(module) => self.child(place, module)?,
                Item::Use(import) => self.import(place.module, import),
                _ => self.item(place.module, item),
            }
        }
        Ok(())
    }

    fn child(&mut self, place: &Place<'_>, item: &ItemMod) -> Result<(), SourceError> {
        let name = item.ident.to_string();
        let parent = &self.modules[place.module];
        let path = match parent.path.as_str() {
            "" => name.clone(),
            parent => format!("{parent}::{name}"),
        };
        let owner = parent.owner;
        let child = if let Some((_, items)) = &item.content {
            let folder = place.folder.join(&name);
            let module = self.add(path, Some(place.module), owner, place.file);
            let inline = Place {
                module,
                file: place.file,
                folder: &folder,
            };
            self.items(&inline, items)?;
            module
        } else {
            let folder = place.folder.join(&name);
            let files = [
                folder.join("mod.rs"),
                place.folder.join(format!("{name}.rs")),
            ];
            let file = files.iter().find(|file| file.is_file());
            let file = file.ok_or_else(|| SourceError::NoFile {
                path: place.file.to_owned(),
                name: name.clone(),
            })?;
            self.file(file, &folder, path, Some(place.module))?
        };
        self.bind(place.module, name, Binding::Module(child));
        Ok(())
    }

    fn bind(&mut self, module: usize, name: String, binding: Binding) {
        let names = &mut self.modules[module].names;
        names.entry(name).or_default().push(binding);
    }

    fn import(&mut self, module: usize, item: &ItemUse) {
        if item.leading_colon.is_some() {
            return; // Another crate's.
        }
        for import in imports(&item.tree) {
            let at = import.line;
            self.modules[module].references.push(Reference {
                segments: import.path.clone(),
                line: at,
            });
            match import.name {
                Some(name) => self.bind(module, name, Binding::Import(import.path)),
                None => self.modules[module].globs.push(import.path),
            }
        }
    }

    fn item(&mut self, module: usize, item: &Item) {
        for name in defined(item) {
            self.bind(module, name, Binding::Item(module));
        }
        if let Item::Macro(item) = item
            && let Some(name) = &item.ident
            && item.attrs.iter().any(|a| a.path().is_ident("macro_export"))
        {
            self.bind(0, name.to_string(), Binding::Item(module));
        }
        let mut paths = Paths(&mut self.modules[module].references);
        paths.visit_item(item);
    }
}

/// The names that an item other than a module or an import defines.
fn defined(item: &Item) -> Vec<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::TraitAlias(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        Item::Macro(item) => return item.ident.iter().map(ToString::to_string).collect(),
        Item::ForeignMod(item) => {
            let names = item.items.iter().filter_map(|item| match item {
                syn::ForeignItem::Fn(item) => Some(item.sig.ident.to_string()),
                syn::ForeignItem::Static(item) => Some(item.ident.to_string()),
                _ => None,
            });
            return names.collect();
        }
        _ => return Vec::new(),
    };
    vec![name.to_string()]
}

/// One import of a `use` declaration: its path, and its name unless it is a glob.
struct Import {
    path: Vec<String>,
    name: Option<String>,
    line: usize,
}

fn imports(tree: &UseTree) -> Vec<Import> {
    fn walk(tree: &UseTree, prefix: &[String], all: &mut Vec<Import>) {
        let extended = |name: &syn::Ident| [prefix, &[name.to_string()]].concat();
        let (path, name, line) = match tree {
            UseTree::Path(path) => return walk(&path.tree, &extended(&path.ident), all),
            UseTree::Group(group) => {
                return group.items.iter().for_each(|tree| walk(tree, prefix, all));
            }
            UseTree::Glob(glob) => (prefix.to_vec(), None, glob.star_token.spans[0]),
            UseTree::Name(name) if name.ident == "self" => {
                (prefix.to_vec(), prefix.last().cloned(), name.ident.span())
            }
            UseTree::Name(name) => {
                let bound = name.ident.to_string();
                (extended(&name.ident), Some(bound), name.ident.span())
            }
            UseTree::Rename(name) if name.ident == "self" => {
                let bound = name.rename.to_string();
                (prefix.to_vec(), Some(bound), name.ident.span())
            }
            UseTree::Rename(name) => {
                let bound = name.rename.to_string();
                (extended(&name.ident), Some(bound), name.ident.span())
            }
        };
        let line = line.start().line;
        all.push(Import { path, name, line });
    }
    let mut all = Vec::new();
    walk(tree, &[], &mut all);
    all
}

/// Collects the paths in an item.
struct Paths<'a>(&'a mut Vec<Reference>);

impl Visit<'_> for Paths<'_> {
    fn visit_item(&mut self, item: &Item) {
        if !is_of_tests(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_path(&mut self, path: &syn::Path) {
        if path.leading_colon.is_none()
            && let Some(first) = path.segments.first()
        {
            self.0.push(Reference {
                segments: path.segments.iter().map(|s| s.ident.to_string()).collect(),
                line: first.ident.span().start().line,
            });
        }
        visit::visit_path(self, path);
    }

    fn visit_item_use(&mut self, item: &ItemUse) {
        if item.leading_colon.is_none() {
            let imports = imports(&item.tree).into_iter();
            self.0.extend(imports.map(|import| Reference {
                segments: import.path,
                line: import.line,
            }));
        }
    }

    fn visit_macro(&mut self, item: &syn::Macro) {
        self.visit_path(&item.path);
        tokens(&item.tokens, self.0);
    }

    // Neither is a use of the module that it names.
    fn visit_attribute(&mut self, _: &Attribute) {}
    fn visit_visibility(&mut self, _: &Visibility) {}
}

/// Collects the paths of two or more segments in the arguments, or in the definition, of a macro.
fn tokens(stream: &TokenStream, references: &mut Vec<Reference>) {
    let mut path: Vec<String> = Vec::new();
    let (mut line, mut colons) = (0, 0);
    let mut end = |path: &mut Vec<String>, line| {
        let segments = std::mem::take(path);
        if segments.len() > 1 {
            references.push(Reference { segments, line });
        }
    };
    let mut groups = Vec::new();
    for token in stream.clone() {
        match token {
            TokenTree::Ident(name) => {
                if colons != 2 {
                    end(&mut path, line);
                    line = name.span().start().line;
                }
                if colons != 2 || !path.is_empty() {
                    path.push(name.to_string());
                }
                colons = 0;
            }
            TokenTree::Punct(punct) if punct.as_char() == ':' => {
                colons += 1;
            }
            TokenTree::Group(group) if group.delimiter() != Delimiter::None => {
                end(&mut path, line);
                groups.push(group.stream());
                colons = 0;
            }
            _ => {
                end(&mut path, line);
                colons = 0;
            }
        }
    }
    end(&mut path, line);
    for group in groups {
        tokens(&group, references);
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::ForeignMod(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Whether an item exists in tests only: `#[cfg(test)]`, `#[cfg(all(test, …))]`.
fn is_of_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let Meta::List(list) = &attribute.meta else {
            return attribute.path().is_ident("test");
        };
        if !list.path.is_ident("cfg") {
            return false;
        }
        let condition = list.tokens.to_string();
        condition == "test" || condition.starts_with("all (test ,")
    })
}
