//! Small pictures of files.

use image::ImageFormat;
use serde_json::{Value, json};

use super::Drive;
use crate::picture::tests::picture;

/// A file with these bytes.
async fn upload(drive: &Drive, name: &str, bytes: &[u8]) {
    let path = format!("/v1.0/me/drive/root:/{name}:/createUploadSession");
    let session = drive.post(&path, json!({})).await.expect(200);
    let range = format!("bytes 0-{}/{}", bytes.len() - 1, bytes.len());
    let url = session.body["uploadUrl"].as_str().unwrap();
    let headers = [("content-range", range.as_str())];
    drive.ask("PUT", url, &headers, bytes).await.expect(201);
}

/// Width and height of the JPEG at an address.
async fn size_at(drive: &Drive, url: &Value) -> (u32, u32) {
    let told = drive.ask("GET", url.as_str().unwrap(), &[], b"").await;
    assert_eq!(told.header("content-type"), "image/jpeg");
    let read = image::load_from_memory_with_format(&told.expect(200).bytes, ImageFormat::Jpeg);
    let read = read.unwrap();
    (read.width(), read.height())
}

#[tokio::test]
async fn a_picture_has_three_smaller_ones() {
    let drive = Drive::new();
    upload(&drive, "a.png", &picture(1000, 500, ImageFormat::Png)).await;
    let list = drive.get("/v1.0/me/drive/root:/a.png:/thumbnails").await;
    let set = list.expect(200).body["value"][0].clone();
    let mut expected = set.clone();
    for (name, width, height) in [("large", 800, 400), ("medium", 176, 88), ("small", 96, 48)] {
        assert_eq!(size_at(&drive, &set[name]["url"]).await, (width, height));
        let url = set[name]["url"].clone();
        expected[name] = json!({"height": height, "url": url, "width": width});
    }
    expected["id"] = json!("0");
    assert_eq!(set, expected);
    let one = "/v1.0/me/drive/root:/a.png:/thumbnails/0/medium";
    let medium = drive.get(one).await.expect(200);
    assert_eq!(medium.body["height"], 88);
    let content = drive.get(&format!("{one}/content")).await.expect(302);
    let url = json!(content.header("location"));
    assert_eq!(size_at(&drive, &url).await, (176, 88));
}

#[tokio::test]
async fn a_request_names_sizes_of_its_own() {
    let drive = Drive::new();
    upload(&drive, "a.jpg", &picture(1000, 500, ImageFormat::Jpeg)).await;
    let list = "/v1.0/me/drive/root:/a.jpg:/thumbnails";
    let answer = drive
        .get(&format!(
            "{list}?select=id,c300x400_crop,smallSquare,c64x64"
        ))
        .await
        .expect(200);
    let set = &answer.body["value"][0];
    let names: Vec<&String> = set.as_object().unwrap().keys().collect();
    assert_eq!(names.len(), 4, "{names:?}");
    let sizes = [
        ("c300x400_x005f_crop", (300, 400)),
        ("smallSquare", (96, 96)),
        ("c64x64", (64, 32)),
    ];
    for (name, size) in sizes {
        assert_eq!(size_at(&drive, &set[name]["url"]).await, size, "{name}");
    }
}

#[tokio::test]
async fn thumbnails_are_expanded_and_empty_where_there_is_no_picture() {
    let drive = Drive::new();
    upload(&drive, "a.png", &picture(50, 20, ImageFormat::Png)).await;
    // The name of a picture alone makes none.
    upload(&drive, "b.png", b"no picture").await;
    drive.put("c.txt", "text").await.expect(201);
    let children = drive
        .get("/v1.0/me/drive/root/children?$expand=thumbnails")
        .await
        .expect(200);
    let counts: Vec<_> = children.body["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            let sets = it["thumbnails"].as_array().unwrap();
            (it["name"].as_str().unwrap(), sets.len())
        })
        .collect();
    assert_eq!(counts, [("a.png", 1), ("b.png", 0), ("c.txt", 0)]);
    let item = drive
        .get("/v1.0/me/drive/root:/a.png?$expand=thumbnails")
        .await
        .expect(200);
    // Nothing is made larger.
    assert_eq!(item.body["thumbnails"][0]["large"]["width"], 50);
    let none = drive.get("/v1.0/me/drive/root:/c.txt:/thumbnails").await;
    assert_eq!(none.expect(200).body["value"], json!([]));
    for path in ["thumbnails/1", "thumbnails/0/medium"] {
        let path = format!("/v1.0/me/drive/root:/c.txt:/{path}");
        drive.get(&path).await.expect(404);
    }
}
