// Whatever a client opens: each line is a way that Node has.
import https from "node:https";
import { connect } from "node:tls";

const head = (value) => console.log(value);
head((await fetch("https://graph.microsoft.com/v1.0/me")).status);
await new Promise((done) =>
  https.get("https://login.microsoftonline.us/common/v2.0/.well-known/openid-configuration", (answer) => {
    head(answer.statusCode);
    answer.resume().on("end", done);
  }),
);
await new Promise((done) => {
  const socket = connect(443, "graph.microsoft.com", { servername: "graph.microsoft.com" }, () => {
    head(socket.authorized);
    socket.end(done);
  });
});
