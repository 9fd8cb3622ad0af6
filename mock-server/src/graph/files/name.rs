//! What the names of files say, and how Graph refuses those that it does not take.

use super::refusal;
use crate::drives::name::{self, Misnamed};
use crate::graph::error::GraphError;

/// Refuses a name that the service does not take.
pub(super) fn check(name: &str, at_root: bool) -> Result<(), GraphError> {
    name::check(name, at_root).map_err(|why| match why {
        Misnamed::BadName => refusal::bad_name(name),
        Misnamed::LongPath => refusal::long_path(),
    })
}

/// Refuses a path that is too long.
pub(super) fn check_path(names: &[&str]) -> Result<(), GraphError> {
    name::check_path(names).map_err(|_| refusal::long_path())
}

/// The content type of a file, by its ending.
pub(super) fn mime(name: &str) -> &'static str {
    let ending = name.rsplit_once('.').map_or("", |(_, it)| it);
    MIME.iter()
        .find(|(own, _)| own.eq_ignore_ascii_case(ending))
        .map_or("application/octet-stream", |(_, mime)| mime)
}

/// Source: the IANA registry of media types, and Microsoft's list of Office types.
const MIME: [(&str, &str); 40] = [
    ("avi", "video/x-msvideo"),
    ("bmp", "image/bmp"),
    ("css", "text/css"),
    ("csv", "text/csv"),
    ("doc", "application/msword"),
    (
        "docx",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ),
    ("eml", "message/rfc822"),
    ("gif", "image/gif"),
    ("gz", "application/x-gzip"),
    ("htm", "text/html"),
    ("html", "text/html"),
    ("ics", "text/calendar"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("js", "application/x-javascript"),
    ("json", "application/json"),
    ("log", "text/plain"),
    ("md", "application/octet-stream"),
    ("mov", "video/quicktime"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("msg", "application/vnd.ms-outlook"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("ppt", "application/vnd.ms-powerpoint"),
    (
        "pptx",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ),
    ("ps1", "application/octet-stream"),
    ("py", "text/plain"),
    ("rtf", "application/rtf"),
    ("svg", "image/svg+xml"),
    ("tar", "application/x-tar"),
    ("tif", "image/tiff"),
    ("tiff", "image/tiff"),
    ("txt", "text/plain"),
    ("wav", "audio/wav"),
    ("xls", "application/vnd.ms-excel"),
    (
        "xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ),
    ("xml", "text/xml"),
    ("yaml", "application/octet-stream"),
    ("zip", "application/x-zip-compressed"),
];
