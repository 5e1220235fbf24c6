// A carrier made of npm smpp's server: takes binds with the right password, answers submit_sm with an id of its own and
// then sends its receipt; answers enquire_link and unbind.
//
// node smsc.js '{"system_id", "password", "state": "DELIVRD", "message_state": 2, "error": "000", "port": 0}'
// Says what happened as JSON, one object a line, first {"what": "listening", "port": ...}. Runs until it is ended.
'use strict';

const smpp = require('smpp');

const told = JSON.parse(process.argv[2]);
const say = (what, fields) => console.log(JSON.stringify({ what, ...fields }));
let ids = 0;

function receipt(pdu, id) {
  const text = `id:${id} sub:001 dlvrd:001 submit date:2601010000 done date:2601010001 `
    + `stat:${told.state} err:${told.error} text:`;
  return {
    source_addr: pdu.destination_addr,
    source_addr_ton: pdu.dest_addr_ton,
    source_addr_npi: pdu.dest_addr_npi,
    destination_addr: pdu.source_addr,
    dest_addr_ton: pdu.source_addr_ton,
    dest_addr_npi: pdu.source_addr_npi,
    esm_class: smpp.ESM_CLASS.MC_DELIVERY_RECEIPT,
    short_message: text,
    receipted_message_id: id,
    message_state: told.message_state,
  };
}

const server = smpp.createServer((session) => {
  session.on('error', (error) => say('error', { why: String(error) }));
  session.on('close', () => say('closed', {}));
  session.on('bind_transceiver', (pdu) => {
    const right = pdu.system_id === told.system_id && pdu.password === told.password;
    say('bound', { right, system_id: pdu.system_id, interface_version: pdu.interface_version });
    session.send(pdu.response({ command_status: right ? 0 : smpp.ESME_RBINDFAIL, system_id: 'npm' }));
    if (!right) {
      session.close();
    }
  });
  session.on('submit_sm', (pdu) => {
    ids += 1;
    const id = `npm-${ids}`;
    say('submitted', {
      id,
      source: pdu.source_addr,
      destination: pdu.destination_addr,
      data_coding: pdu.data_coding,
      text: pdu.short_message.message,
    });
    session.send(pdu.response({ message_id: id }));
    session.deliver_sm(receipt(pdu, id), (answer) => say('delivered', { id, status: answer.command_status }));
  });
  session.on('enquire_link', (pdu) => {
    say('link', {});
    session.send(pdu.response());
  });
  session.on('unbind', (pdu) => {
    say('unbound', {});
    session.send(pdu.response());
    session.close();
  });
});

server.listen(told.port || 0, '127.0.0.1', () => say('listening', { port: server.address().port }));
