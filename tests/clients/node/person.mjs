// A person at the pages of the login hosts, without a browser: cookies are kept, and on each page
// the fields of the first form are filled in and its first button is pressed.

const attribute = (tag, name) => new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1];

const plain = (text) => text?.replaceAll("&amp;", "&").replaceAll("&quot;", '"').replaceAll("&#39;", "'");

// Opens an address and fills in what the pages ask for, by the fields' names. Returns the kinds of
// the pages; the last one has no form, or is somewhere else.
export async function person(address, answers) {
  const cookies = new Map();
  const pages = [];
  const open = async (to, form) => {
    for (let hops = 0; hops < 10; hops += 1) {
      const response = await fetch(to, {
        method: form ? "POST" : "GET",
        body: form,
        redirect: "manual",
        headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; ") },
      });
      for (const line of response.headers.getSetCookie()) {
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
        cookies.set(name, value);
      }
      const location = response.headers.get("location");
      if (response.status < 300 || response.status > 399 || !location) {
        return { url: to, html: await response.text() };
      }
      to = new URL(location, to).href;
      form = undefined;
    }
    throw new Error(`too many redirects: ${to}`);
  };
  let page = await open(address);
  for (let step = 0; step < 8; step += 1) {
    pages.push(/data-page="([^"]*)"/.exec(page.html)?.[1] ?? page.url);
    const form = /<form[\s\S]*?<\/form>/.exec(page.html)?.[0];
    if (!form) return pages;
    const fields = new URLSearchParams();
    for (const [tag] of form.matchAll(/<(?:input|button)\b[^>]*>/g)) {
      const name = attribute(tag, "name");
      if (name && !fields.has(name)) fields.set(name, answers[name] ?? plain(attribute(tag, "value")) ?? "");
    }
    page = await open(new URL(plain(attribute(form, "action")) || page.url, page.url).href, fields);
  }
  return pages;
}
