// A customer made of npm smpp: binds, sends each text it is told, waits for the receipts, asks for the link, unbinds.
//
// node client.js '{"host", "port", "system_id", "password", "destination", "texts": [...]}'
// Says what happened as JSON, one object a line, and ends with 0; at the first thing that is wrong with 1.
'use strict';

const smpp = require('smpp');

const told = JSON.parse(process.argv[2]);
const say = (what, fields) => console.log(JSON.stringify({ what, ...fields }));
const fail = (why) => {
  say('failed', { why: String(why) });
  process.exit(1);
};

const session = smpp.connect({ host: told.host, port: told.port });
session.on('error', fail);

const ask = (command, fields) => new Promise((resolve) => session[command](fields, resolve));
const receipts = new Map();
let arrived = () => {};

session.on('deliver_sm', (pdu) => {
  session.send(pdu.response());
  const text = pdu.short_message.message.toString();
  receipts.set(pdu.receipted_message_id, { text, message_state: pdu.message_state, esm_class: pdu.esm_class });
  arrived();
});

async function run() {
  const bound = await ask('bind_transceiver', { system_id: told.system_id, password: told.password });
  say('bound', { status: bound.command_status, system_id: bound.system_id });
  if (bound.command_status !== 0) {
    return;
  }
  const ids = [];
  for (const text of told.texts) {
    const answer = await ask('submit_sm', {
      destination_addr: told.destination,
      dest_addr_ton: 1,
      dest_addr_npi: 1,
      source_addr: 'Brivas',
      source_addr_ton: 5,
      registered_delivery: 1,
      short_message: text,
    });
    say('submitted', { status: answer.command_status, id: answer.message_id });
    ids.push(answer.message_id);
  }
  while (!ids.every((id) => receipts.has(id))) {
    await new Promise((resolve) => {
      arrived = resolve;
    });
  }
  ids.forEach((id) => say('receipt', { id, ...receipts.get(id) }));
  const link = await ask('enquire_link', {});
  say('link', { status: link.command_status, command: link.command });
  const closed = new Promise((resolve) => session.on('close', resolve));
  const parted = await ask('unbind', {});
  say('unbound', { status: parted.command_status, command: parted.command });
  // The gateway closes once it has answered.
  await closed;
  say('closed', {});
}

run().then(() => process.exit(0), fail);
