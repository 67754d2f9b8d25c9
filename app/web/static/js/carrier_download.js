// A download whose request carried the header: the answer's bytes, saved under the name that the server gave.
const KEPT = 60_000;

export function isDownload(response) {
  const disposition = response.headers.get("Content-Disposition") ?? "";
  const kind = response.headers.get("Content-Type") ?? "";
  return disposition.trimStart().toLowerCase().startsWith("attachment") || !kind.startsWith("text/html");
}

export async function save(response, suggested) {
  const address = URL.createObjectURL(await response.blob());
  const link = document.createElement("a");
  link.href = address;
  link.download = nameIn(response.headers.get("Content-Disposition") ?? "") || suggested || lastPart(response.url);
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), KEPT);
}

// RFC 6266: `filename*` is UTF-8 and wins.
function nameIn(disposition) {
  const encoded = /filename\*\s*=\s*UTF-8''([^;]+)/i.exec(disposition)?.[1];
  if (encoded) {
    try {
      return decodeURIComponent(encoded.trim());
    } catch {
      // Not what it says it is: the plain name is left.
    }
  }
  const plain = /filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))/i.exec(disposition);
  return plain?.[1]?.replace(/\\(.)/g, "$1") ?? plain?.[2];
}

const lastPart = (url) => new URL(url).pathname.split("/").pop();
