//! Pictures, made smaller.
//!
//! Only PNG and JPEG are read, within [`MOST`] bytes and [`ROOM`] bytes of pixels: what is sent
//! must not cost more than a request may.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, ImageReader, Limits};

/// The largest file of which a smaller picture is made, in bytes.
pub(crate) const MOST: usize = 16 << 20;

/// So many bytes tell a picture from other files.
pub(crate) const SIGNATURE: usize = 16;

/// The most bytes of pixels.
const ROOM: u64 = 128 << 20;

/// The quality of what is made, of 100.
const QUALITY: u8 = 80;

/// Into what a picture is to fit, in pixels.
#[derive(Clone, Copy, Debug, Eq, PartialEq, serde::Deserialize, serde::Serialize)]
pub(crate) struct Frame {
    /// The largest width.
    pub(crate) width: u32,
    /// The largest height.
    pub(crate) height: u32,
    /// The picture fills the frame: what does not fit is cut off, in equal parts at both ends.
    pub(crate) crop: bool,
}

impl Frame {
    /// Width and height of a picture of this size within the frame. Nothing is made larger.
    pub(crate) fn fit(self, (width, height): (u32, u32)) -> (u32, u32) {
        if self.crop {
            return (width.min(self.width), height.min(self.height));
        }
        let (w, h) = (u64::from(width.max(1)), u64::from(height.max(1)));
        let (most_w, most_h) = (u64::from(self.width), u64::from(self.height));
        if w <= most_w && h <= most_h {
            return (width, height);
        }
        // The side that is further out of the frame decides; the other one is rounded.
        let (w, h) = if w * most_h >= h * most_w {
            (most_w, (h * most_w + w / 2) / w)
        } else {
            ((w * most_h + h / 2) / h, most_h)
        };
        let pixels = |it: u64| u32::try_from(it).unwrap_or(u32::MAX).max(1);
        (pixels(w), pixels(h))
    }
}

/// Whether a file may be a picture, by its first bytes.
pub(crate) fn begins_one(head: &[u8]) -> bool {
    image::guess_format(head).is_ok_and(|it| it.reading_enabled())
}

/// Width and height, if the file is a picture. Its beginning is enough.
pub(crate) fn size(file: &[u8]) -> Option<(u32, u32)> {
    let size = reader(file)?.into_dimensions().ok()?;
    (size.0 > 0 && size.1 > 0).then_some(size)
}

/// A JPEG of the picture within the frame.
pub(crate) fn smaller(file: &[u8], frame: Frame) -> Option<Vec<u8>> {
    let picture = reader(file)?.decode().ok()?;
    let (width, height) = frame.fit((picture.width(), picture.height()));
    let made = if frame.crop {
        picture.resize_to_fill(width, height, FilterType::Triangle)
    } else {
        picture.resize_exact(width, height, FilterType::Triangle)
    };
    let mut written = Vec::new();
    // JPEG has no transparency.
    DynamicImage::ImageRgb8(made.to_rgb8())
        .write_with_encoder(JpegEncoder::new_with_quality(&mut written, QUALITY))
        .ok()?;
    Some(written)
}

fn reader(file: &[u8]) -> Option<ImageReader<Cursor<&[u8]>>> {
    let reader = ImageReader::new(Cursor::new(file));
    let mut reader = reader.with_guessed_format().ok()?;
    reader.format()?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(ROOM);
    limits.max_image_width = Some(1 << 14);
    limits.max_image_height = Some(1 << 14);
    reader.limits(limits);
    Some(reader)
}

#[cfg(test)]
pub(crate) mod tests {
    use image::{ImageFormat, Rgba, RgbaImage};

    use super::*;

    /// A picture of this size: its left half is red, its right half is blue.
    pub(crate) fn picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
        let pixels = RgbaImage::from_fn(width, height, |x, _| {
            if x < width / 2 {
                Rgba([255, 0, 0, 255])
            } else {
                Rgba([0, 0, 255, 255])
            }
        });
        let mut written = Cursor::new(Vec::new());
        let picture = DynamicImage::ImageRgba8(pixels);
        let picture = match format {
            ImageFormat::Jpeg => DynamicImage::ImageRgb8(picture.to_rgb8()),
            _ => picture,
        };
        picture.write_to(&mut written, format).unwrap();
        written.into_inner()
    }

    const fn within(width: u32, height: u32, crop: bool) -> Frame {
        Frame {
            width,
            height,
            crop,
        }
    }

    #[test]
    fn a_picture_keeps_its_proportions_and_is_never_made_larger() {
        let frame = within(96, 96, false);
        assert_eq!(frame.fit((1920, 1080)), (96, 54));
        assert_eq!(frame.fit((1080, 1920)), (54, 96));
        assert_eq!(frame.fit((40, 20)), (40, 20));
        assert_eq!(frame.fit((10_000, 1)), (96, 1));
        assert_eq!(within(96, 96, true).fit((1920, 1080)), (96, 96));
        assert_eq!(within(96, 96, true).fit((40, 200)), (40, 96));
    }

    #[test]
    fn what_is_made_is_the_same_picture_in_less_pixels() {
        for format in [ImageFormat::Png, ImageFormat::Jpeg] {
            let file = picture(640, 320, format);
            assert_eq!(size(&file), Some((640, 320)));
            let made = smaller(&file, within(96, 96, false)).unwrap();
            let read = image::load_from_memory_with_format(&made, ImageFormat::Jpeg).unwrap();
            let read = read.to_rgb8();
            assert_eq!((read.width(), read.height()), (96, 48));
            let (left, right) = (read.get_pixel(5, 20).0, read.get_pixel(90, 20).0);
            assert!(left[0] > 200 && left[2] < 60, "{left:?}");
            assert!(right[2] > 200 && right[0] < 60, "{right:?}");
        }
    }

    #[test]
    fn what_is_no_picture_or_too_large_a_one_is_none() {
        assert_eq!(size(b"hello"), None);
        assert!(!begins_one(b"hello, and more"));
        assert!(begins_one(&picture(8, 8, ImageFormat::Png)[..SIGNATURE]));
        assert!(begins_one(&picture(8, 8, ImageFormat::Jpeg)[..SIGNATURE]));
        assert_eq!(
            smaller(b"\x89PNG\r\n\x1a\n broken", within(9, 9, false)),
            None
        );
        let mut huge = picture(8, 8, ImageFormat::Png);
        // The width and the height that its head claims.
        huge[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
        assert_eq!(smaller(&huge, within(9, 9, false)), None);
    }
}
