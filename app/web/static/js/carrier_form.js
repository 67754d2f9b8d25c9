// A form as the request that the browser would make of it: method, address and body.

export function requestOf(form, submitter, base) {
  const said = (name) => submitter?.getAttribute(`form${name}`) ?? form.getAttribute(name) ?? "";
  const url = new URL(said("action") || base, base);
  const data = new FormData(form);
  if (submitter?.name) data.append(submitter.name, submitter.value);
  if (said("method").toLowerCase() !== "post") {
    url.search = texts(data);
    return { url, method: "GET" };
  }
  const isMultipart = said("enctype").toLowerCase() === "multipart/form-data";
  return { url, method: "POST", body: isMultipart ? data : texts(data) };
}

// Without multipart a file is only its name, as browsers have it.
function texts(data) {
  return new URLSearchParams([...data].map(([name, value]) => [name, value instanceof File ? value.name : value]));
}
