// An ESME of npm smpp that takes everything, and comes back when its connection has ended. Ends by a signal.
"use strict";

const smpp = require("smpp");
const { host, port, system_id, password } = JSON.parse(process.argv[2]);

const say = (what, more = {}) => console.log(JSON.stringify({ what, ...more }));

function bind() {
  const session = smpp.connect({ url: `smpp://${host}:${port}` }, () => {
    session.bind_transceiver({ system_id, password }, (pdu) => say("bound", { status: pdu.command_status }));
  });
  for (const command of ["deliver_sm", "data_sm", "enquire_link"]) {
    session.on(command, (pdu) => session.send(pdu.response()));
  }
  session.on("unbind", (pdu) => {
    session.send(pdu.response());
    session.close();
  });
  session.on("error", (error) => say("error", { why: error.message }));
  session.on("close", () => setTimeout(bind, 50));
}

bind();
