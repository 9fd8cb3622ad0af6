//! `GET /$metadata`: Graph's model in XML, as clients and code generators read it. It needs no
//! token.
//!
//! Written anew for each request: nobody asks often, and the text is long. Annotations are not
//! among it, and the entity sets have no bindings.
//!
//! Source: learn.microsoft.com/graph/traverse-the-graph, "metadata"; OData 4.01, CSDL XML.

use std::fmt::Write as _;

use super::call::{Payload, Reply};
use super::error::Service;
use crate::environment::SignInCloud;
use crate::model::{self, Enumeration, Member, MemberKind, Operation, Root, Type};
use axum::http::StatusCode;

/// The answer to a request for the metadata of a cloud.
pub(super) fn answer(cloud: SignInCloud) -> Reply {
    Reply {
        status: StatusCode::OK,
        payload: Payload::Raw {
            content_type: "application/xml".to_owned(),
            bytes: document(cloud).into_bytes(),
        },
        headers: Vec::new(),
        service: Service::Gateway,
        unsupported: None,
    }
}

fn document(cloud: SignInCloud) -> String {
    let mut text = String::with_capacity(1 << 21);
    text.push_str(HEAD);
    for it in Enumeration::all().filter(|it| it.exists_in(cloud)) {
        enumeration(&mut text, it);
    }
    let types = || Type::all().filter(move |it| it.exists_in(cloud));
    for it in types() {
        structured(&mut text, it, cloud);
    }
    for it in types() {
        for (bound, collection) in [
            (it.own_operations(false), false),
            (it.own_operations(true), true),
        ] {
            for one in bound.filter(|it| it.exists_in(cloud)) {
                operation(&mut text, one, it, collection);
            }
        }
    }
    text.push_str("<EntityContainer Name=\"GraphService\">\n");
    for root in Root::all().filter(|it| it.exists_in(cloud)) {
        let Some(of) = root.of() else { continue };
        let (element, attribute) = if root.is_set() {
            ("EntitySet", "EntityType")
        } else {
            ("Singleton", "Type")
        };
        // Writing to a text can't fail.
        let _ = writeln!(
            text,
            "<{element} Name=\"{}\" {attribute}=\"microsoft.graph.{}\"/>",
            root.name(),
            of.name()
        );
    }
    text.push_str("</EntityContainer>\n</Schema></edmx:DataServices></edmx:Edmx>\n");
    text
}

fn enumeration(text: &mut String, it: Enumeration) {
    let flags = if it.is_flags() {
        " IsFlags=\"true\""
    } else {
        ""
    };
    let _ = writeln!(text, "<EnumType Name=\"{}\"{flags}>", it.name());
    for (name, value) in it.values() {
        let _ = writeln!(text, "<Member Name=\"{name}\" Value=\"{value}\"/>");
    }
    text.push_str("</EnumType>\n");
}

fn structured(text: &mut String, it: Type, cloud: SignInCloud) {
    let element = if it.is_entity() {
        "EntityType"
    } else {
        "ComplexType"
    };
    let _ = write!(text, "<{element} Name=\"{}\"", it.name());
    if let Some(base) = it.base() {
        let _ = write!(text, " BaseType=\"graph.{}\"", base.name());
    }
    let marks = [
        ("Abstract", it.is_abstract()),
        ("OpenType", it.declares_open()),
        ("HasStream", it.declares_stream()),
    ];
    for (name, _) in marks.into_iter().filter(|(_, set)| *set) {
        let _ = write!(text, " {name}=\"true\"");
    }
    text.push_str(">\n");
    let key = it.own_key();
    if !key.is_empty() {
        let _ = writeln!(text, "<Key><PropertyRef Name=\"{key}\"/></Key>");
    }
    for member in it.own_members(cloud) {
        let _ = writeln!(text, "{}", described(member));
    }
    let _ = writeln!(text, "</{element}>");
}

fn described(member: Member) -> String {
    let of = typed(member.type_name(), member.is_collection());
    let nullable = if member.is_nullable() {
        ""
    } else {
        " Nullable=\"false\""
    };
    let (element, contains) = match member.kind() {
        MemberKind::Property => ("Property", ""),
        MemberKind::Navigation => ("NavigationProperty", ""),
        MemberKind::Contained => ("NavigationProperty", " ContainsTarget=\"true\""),
    };
    format!(
        "<{element} Name=\"{}\" Type=\"{of}\"{nullable}{contains}/>",
        member.name()
    )
}

fn operation(text: &mut String, it: Operation, of: Type, collection: bool) {
    // Those of other namespaces have schemas of their own in the service's document.
    if it.name().contains('.') {
        return;
    }
    let element = if it.is_function() {
        "Function"
    } else {
        "Action"
    };
    let composable = if it.is_composable() {
        " IsComposable=\"true\""
    } else {
        ""
    };
    let _ = writeln!(
        text,
        "<{element} Name=\"{}\" IsBound=\"true\"{composable}>\n<Parameter Name=\"bindingParameter\" Type=\"{}\"/>",
        it.name(),
        typed(of.name(), collection)
    );
    for (name, of) in it.parameters() {
        let inner = of
            .strip_prefix("Collection(")
            .and_then(|it| it.strip_suffix(')'));
        let of = typed(inner.unwrap_or(of), inner.is_some());
        let _ = writeln!(text, "<Parameter Name=\"{name}\" Type=\"{of}\"/>");
    }
    let returned = it.returned();
    if !returned.is_empty() {
        let of = typed(returned, it.returns_collection());
        let _ = writeln!(text, "<ReturnType Type=\"{of}\"/>");
    }
    let _ = writeln!(text, "</{element}>");
}

/// A type as the schema refers to it.
fn typed(name: &str, collection: bool) -> String {
    let bare = model::strip_namespace(name);
    let known = Type::find(bare).is_some() || Enumeration::find(bare).is_some();
    let full = if known {
        format!("graph.{bare}")
    } else if bare == "Json" {
        "graph.Json".to_owned()
    } else {
        format!("Edm.{bare}")
    };
    if collection {
        format!("Collection({full})")
    } else {
        full
    }
}

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>
<edmx:Edmx Version=\"4.0\" xmlns:edmx=\"http://docs.oasis-open.org/odata/ns/edmx\"><edmx:DataServices>
<Schema Namespace=\"microsoft.graph\" Alias=\"graph\" xmlns=\"http://docs.oasis-open.org/odata/ns/edm\">
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::tests::Bench;

    #[tokio::test]
    async fn the_metadata_needs_no_token_and_has_every_type() {
        let bench = Bench::new();
        let answer = bench.anonymous("/v1.0/$metadata").await.expect(200);
        assert_eq!(answer.header("content-type"), "application/xml");
        for part in [
            "<EntityType Name=\"group\" BaseType=\"graph.directoryObject\" OpenType=\"true\">",
            "<NavigationProperty Name=\"members\" Type=\"Collection(graph.directoryObject)\"",
            "<Member Name=\"high\" Value=\"2\"/>",
            "<EntitySet Name=\"groups\" EntityType=\"microsoft.graph.group\"/>",
            "<Singleton Name=\"me\" Type=\"microsoft.graph.user\"/>",
            "<Parameter Name=\"bindingParameter\" Type=\"Collection(graph.user)\"/>",
        ] {
            assert!(answer.text.contains(part), "{part}");
        }
        // Every element that begins ends.
        for element in [
            "EntityType",
            "ComplexType",
            "EnumType",
            "Function",
            "Action",
        ] {
            let begins = answer.text.matches(&format!("<{element} ")).count();
            let ends = answer.text.matches(&format!("</{element}>")).count();
            assert_eq!(begins, ends, "{element}");
            assert!(begins > 20, "{element}");
        }
        let china = document(SignInCloud::China);
        assert!(!china.contains("<EntityType Name=\"plannerTask\""));
    }
}
