//! Operations of the control API: each is served and documented by the same call.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::routing::MethodRouter;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Value, json};
use utoipa::openapi::path::{OperationBuilder, ParameterBuilder, ParameterIn, PathsBuilder};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Type};
use utoipa::openapi::{
    ContentBuilder, HttpMethod, InfoBuilder, OpenApiBuilder, PathItem, Ref, RefOr, Required,
    ResponseBuilder, Schema,
};

use super::problem::Problem;
use crate::server::Core;

/// Routes with their document.
pub(super) struct Api {
    router: Router<Arc<Core>>,
    /// Whether the document is made as well: it takes time and memory at each start.
    documented: bool,
    paths: PathsBuilder,
    schemas: SchemaGenerator,
}

/// One operation, as the document describes it.
pub(super) struct Operation {
    method: HttpMethod,
    path: &'static str,
    document: OperationBuilder,
    /// Schemas are made when the operation is served: they share one set of definitions.
    bodies: Vec<(&'static str, SchemaOf)>,
    answers: Vec<(u16, &'static str, &'static str, Option<SchemaOf>)>,
    problems: Vec<u16>,
}

type SchemaOf = fn(&mut SchemaGenerator) -> RefOr<Schema>;

impl Api {
    /// Routes alone, nothing yet.
    pub(super) fn routes() -> Self {
        Self {
            documented: false,
            ..Self::documented()
        }
    }

    /// Routes and their document, nothing yet.
    pub(super) fn documented() -> Self {
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        });
        Self {
            router: Router::new(),
            documented: true,
            paths: PathsBuilder::new(),
            schemas: settings.into_generator(),
        }
    }

    /// Serves an operation, and documents it.
    pub(super) fn serve(mut self, operation: Operation, handler: MethodRouter<Arc<Core>>) -> Self {
        self.router = self.router.route(operation.path, handler);
        if !self.documented {
            return self;
        }
        let schemas = &mut self.schemas;
        let mut document = operation.document;
        let mut problems = operation.problems;
        // What the guard and the path's form may answer.
        problems.push(403);
        if operation.path.contains('{') {
            problems.push(400);
        }
        if !operation.bodies.is_empty() {
            let mut body = RequestBodyBuilder::new().required(Some(Required::True));
            for (media, schema) in operation.bodies {
                let content = ContentBuilder::new().schema(Some(schema(schemas)));
                body = body.content(media, content.build());
            }
            document = document.request_body(Some(body.build()));
            problems.extend([400, 413, 415]);
        }
        let mut answers: BTreeMap<u16, ResponseBuilder> = BTreeMap::new();
        for (status, description, media, schema) in operation.answers {
            let mut response = answers
                .remove(&status)
                .unwrap_or_default()
                .description(description);
            if let Some(schema) = schema {
                let content = ContentBuilder::new().schema(Some(schema(schemas)));
                response = response.content(media, content.build());
            }
            answers.insert(status, response);
        }
        for (status, response) in answers {
            document = document.response(status.to_string(), response);
        }
        problems.sort_unstable();
        problems.dedup();
        for status in problems {
            let content = ContentBuilder::new().schema(Some(schema_of::<Problem>(schemas)));
            let response = ResponseBuilder::new()
                .description(describe(status))
                .content("application/problem+json", content.build());
            document = document.response(status.to_string(), response);
        }
        let item = PathItem::new(operation.method, document);
        self.paths = self.paths.path(operation.path, item);
        self
    }

    /// The routes.
    pub(super) fn into_router(self) -> Router<Arc<Core>> {
        self.router
    }

    /// The OpenAPI document.
    pub(super) fn into_document(mut self) -> Value {
        let info = InfoBuilder::new()
            .title("entra-mock control API")
            .version(env!("CARGO_PKG_VERSION"))
            .description(Some(
                "The test-only interface of entra-mock. It is bound to loopback and has no \
                 authentication: whoever reaches it owns the mock. Never for production.",
            ));
        let document = OpenApiBuilder::new().info(info.build()).paths(self.paths);
        // Strings and numbers only.
        let mut document =
            serde_json::to_value(document.build()).expect("an OpenAPI document serializes");
        document["components"] = json!({ "schemas": self.schemas.take_definitions(true) });
        document
    }
}

impl Operation {
    fn new(
        method: HttpMethod,
        path: &'static str,
        id: &'static str,
        summary: &'static str,
    ) -> Self {
        let mut document = OperationBuilder::new()
            .operation_id(Some(id))
            .summary(Some(summary));
        for name in path.split('{').skip(1) {
            let name = name.split('}').next().unwrap_or_default();
            let parameter = ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Path)
                .required(Required::True)
                .description(Some(path_parameter(name)))
                .schema(Some(ObjectBuilder::new().schema_type(Type::String)));
            document = document.parameter(parameter);
        }
        Self {
            method,
            path,
            document,
            bodies: Vec::new(),
            answers: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// Reads.
    pub(super) fn get(path: &'static str, id: &'static str, summary: &'static str) -> Self {
        Self::new(HttpMethod::Get, path, id, summary)
    }

    /// Makes or does something.
    pub(super) fn post(path: &'static str, id: &'static str, summary: &'static str) -> Self {
        Self::new(HttpMethod::Post, path, id, summary)
    }

    /// Replaces.
    pub(super) fn put(path: &'static str, id: &'static str, summary: &'static str) -> Self {
        Self::new(HttpMethod::Put, path, id, summary)
    }

    /// Removes.
    pub(super) fn delete(path: &'static str, id: &'static str, summary: &'static str) -> Self {
        Self::new(HttpMethod::Delete, path, id, summary)
    }

    /// Takes a query parameter.
    pub(super) fn query(self, name: &'static str, kind: Type, description: &'static str) -> Self {
        self.parameter(name, ObjectBuilder::new().schema_type(kind), description)
    }

    /// Takes a query parameter that is one of a few words.
    pub(super) fn choice(
        self,
        name: &'static str,
        words: &[&'static str],
        description: &'static str,
    ) -> Self {
        let schema = ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(words.iter().copied()));
        self.parameter(name, schema, description)
    }

    fn parameter(
        mut self,
        name: &'static str,
        schema: ObjectBuilder,
        description: &'static str,
    ) -> Self {
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Query)
            .description(Some(description))
            .schema(Some(schema));
        self.document = self.document.parameter(parameter);
        self.problems.push(400);
        self
    }

    /// Takes a JSON body.
    pub(super) fn body<T: JsonSchema>(self) -> Self {
        self.body_as::<T>("application/json")
    }

    /// Takes a body of another media type, too.
    pub(super) fn body_as<T: JsonSchema>(mut self, media: &'static str) -> Self {
        self.bodies.push((media, schema_of::<T>));
        self
    }

    /// Answers JSON.
    pub(super) fn answers<T: JsonSchema>(mut self, status: u16, description: &'static str) -> Self {
        let answer = (
            status,
            description,
            "application/json",
            Some(schema_of::<T> as SchemaOf),
        );
        self.answers.push(answer);
        self
    }

    /// Answers in another media type.
    pub(super) fn answers_as<T: JsonSchema>(
        mut self,
        media: &'static str,
        description: &'static str,
    ) -> Self {
        self.answers
            .push((200, description, media, Some(schema_of::<T>)));
        self
    }

    /// Answers nothing.
    pub(super) fn answers_nothing(mut self, description: &'static str) -> Self {
        self.answers.push((204, description, "", None));
        self
    }

    /// May refuse.
    pub(super) fn problems(mut self, statuses: &[u16]) -> Self {
        self.problems.extend(statuses);
        self
    }
}

/// A reference to the schema of a type, or to that of the items of a list.
fn schema_of<T: JsonSchema>(schemas: &mut SchemaGenerator) -> RefOr<Schema> {
    let schema = schemas.subschema_for::<T>().to_value();
    let reference = |value: &Value| value["$ref"].as_str().map(Ref::new);
    if let Some(reference) = reference(&schema) {
        return reference.into();
    }
    match reference(&schema["items"]) {
        Some(item) => ArrayBuilder::new().items(item).into(),
        None if schema["type"] == "string" => ObjectBuilder::new().schema_type(Type::String).into(),
        None => ObjectBuilder::new().into(),
    }
}

fn path_parameter(name: &str) -> &'static str {
    match name {
        "code" => "The number behind AADSTS",
        "fingerprint" => "The fingerprint by which the journal names a token",
        "number" => "The number of the fault",
        "app" => "The client id or the alias",
        "tenant" => "The id or a domain",
        "user" => "The object id, the sign-in name or the alias",
        // A test looks for this text in the document.
        _ => "",
    }
}

fn describe(status: u16) -> &'static str {
    match status {
        400 => "Something in the request does not fit",
        403 => "The request came from a foreign origin or for a foreign host",
        404 => "There is no such thing",
        408 => "Nothing fitted before the deadline",
        409 => "The request does not fit the state",
        413 => "The body is too long",
        415 => "The body is not of a media type that is read",
        422 => "The file has a mistake; the problem says where",
        _ => "",
    }
}
