// A hosted project's Storage serves an object as a file to save where its address has `download`; Supabase Lite
// ignores that. Preloaded into it, this adds the header.
import http from "node:http";

const emit = http.Server.prototype.emit;

http.Server.prototype.emit = function (event, request, response) {
  if (event === "request" && request.url.includes("/object/sign/")) {
    const name = new URL(request.url, "http://localhost").searchParams.get("download");
    if (name !== null) response.setHeader("Content-Disposition", `attachment; filename="${encodeURIComponent(name)}"`);
  }
  return emit.apply(this, arguments);
};
