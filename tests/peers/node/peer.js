// npm smpp as a customer and as a carrier. The protocol of drivers: tests/peers/README.md.
'use strict';

const fs = require('fs');
const readline = require('readline');
const smpp = require('smpp');

const say = (fields) => console.log(JSON.stringify(fields));
const octetsOf = (value) => (Buffer.isBuffer(value) ? { octets: value.toString('hex') } : { text: value });
// The library gives the header's elements apart from the message, without their length.
function udhOf(message) {
  if (!message.udh) return {};
  const elements = Buffer.concat([].concat(message.udh));
  return { udh: Buffer.concat([Buffer.from([elements.length]), elements]).toString('hex') };
}
const HAVE_NO_RESPONSE = new Set(['alert_notification']);
const STATES = { 2: 'DELIVRD', 5: 'UNDELIV', 8: 'REJECTD' };

let session;
const carried = new Set();
const ask = (to, command, fields) => new Promise((resolve) => to[command](fields, resolve));

function takeDelivery(pdu) {
  session.send(pdu.response());
  if (pdu.esm_class & smpp.ESM_CLASS.MC_DELIVERY_RECEIPT) {
    say({ saw: 'receipt', id: pdu.receipted_message_id, state: STATES[pdu.message_state] });
    return;
  }
  const { source_addr: source, destination_addr: destination, data_coding } = pdu;
  say({ saw: 'message', source, destination, data_coding, ...octetsOf(pdu.short_message.message) });
}

function message(told) {
  switch (told.kind) {
    case 'long': return { data_coding: 0, message_payload: told.text };
    case 'unicode': return { data_coding: 8, short_message: told.text };
    case 'binary': return {
      data_coding: 4,
      esm_class: 0x40,
      short_message: Buffer.from(told.udh + told.octets, 'hex'),
    };
    default: return { data_coding: 0, short_message: told.text };
  }
}

function receive(from, pdu, told) {
  if (pdu.destination_addr === told.refused) {
    from.send(pdu.response({ command_status: smpp.ESME_RINVDSTADR }));
    return;
  }
  if (pdu.destination_addr === told.nacked) {
    const { sequence_number } = pdu;
    from.generic_nack({ sequence_number, command_status: smpp.ESME_RINVCMDID });
    return;
  }
  const id = `npm-${carried.count = (carried.count || 0) + 1}`;
  const inside = pdu.message_payload ? { message: pdu.message_payload.message || pdu.message_payload } : pdu.short_message;
  say({
    saw: 'submitted',
    id,
    source: pdu.source_addr,
    destination: pdu.destination_addr,
    esm_class: pdu.esm_class,
    data_coding: pdu.data_coding,
    ...octetsOf(inside.message),
    ...udhOf(inside),
    payload: Boolean(pdu.message_payload),
  });
  from.send(pdu.response({ message_id: id }));
  const receipt = {
    source_addr: pdu.destination_addr,
    source_addr_ton: pdu.dest_addr_ton,
    source_addr_npi: pdu.dest_addr_npi,
    destination_addr: pdu.source_addr,
    dest_addr_ton: pdu.source_addr_ton,
    dest_addr_npi: pdu.source_addr_npi,
    esm_class: smpp.ESM_CLASS.MC_DELIVERY_RECEIPT,
    short_message: `id:${id} sub:001 dlvrd:001 submit date:2601010000 done date:2601010001 stat:DELIVRD err:000 text:`,
    receipted_message_id: id,
    message_state: smpp.MESSAGE_STATE.DELIVERED,
  };
  from.deliver_sm(receipt, (answer) => say({ saw: 'answered', id, status: answer.command_status }));
}

// A field of octets is told as {"hex"}; the rest of what is told is what the library takes.
function fieldsOf(told) {
  return JSON.parse(JSON.stringify(told), (_, value) => (value && value.hex ? Buffer.from(value.hex, 'hex') : value));
}

function serve(from, told) {
  from.on('error', (error) => console.error(error));
  from.on('close', () => carried.delete(from));
  for (const mode of ['transceiver', 'transmitter', 'receiver']) {
    from.on(`bind_${mode}`, (pdu) => {
      const accepted = pdu.system_id === told.system_id && pdu.password === told.password;
      say({ saw: 'bound', system_id: pdu.system_id, mode, accepted });
      from.send(pdu.response({ command_status: accepted ? 0 : smpp.ESME_RINVPASWD, system_id: 'npm' }));
      if (accepted) carried.add(from); else from.close();
    });
  }
  from.on('submit_sm', (pdu) => receive(from, pdu, told));
  for (const [command, fields] of Object.entries(told.answers || {})) {
    from.on(command, (pdu) => from.send(pdu.response(fieldsOf(fields))));
  }
  from.on('enquire_link', (pdu) => {
    say({ saw: 'link' });
    from.send(pdu.response());
  });
  from.on('unbind', (pdu) => {
    say({ saw: 'unbound' });
    from.send(pdu.response());
    from.close();
  });
}

const commands = {
  async bind(told) {
    const address = { host: told.host, port: told.port };
    // The library hands these on to tls.connect.
    const read = (file) => file && fs.readFileSync(file);
    const tls = told.ca && { tls: true, ca: read(told.ca), cert: read(told.certificate), key: read(told.key) };
    session = smpp.connect({ ...address, ...tls });
    const failed = new Promise((_, reject) => session.on('error', reject));
    failed.catch((error) => console.error(error));
    session.on('deliver_sm', takeDelivery);
    session.on('enquire_link', (pdu) => session.send(pdu.response()));
    const fields = { system_id: told.system_id, password: told.password };
    const answer = await Promise.race([failed, ask(session, `bind_${told.mode}`, fields)]);
    return { status: answer.command_status };
  },
  async submit(told) {
    const answer = await ask(session, 'submit_sm', {
      source_addr: told.source,
      source_addr_ton: 5,
      destination_addr: told.destination,
      dest_addr_ton: 1,
      dest_addr_npi: 1,
      registered_delivery: 1,
      ...message(told),
    });
    return { answers: [{ status: answer.command_status, id: answer.message_id || '' }] };
  },
  async link() {
    return { status: (await ask(session, 'enquire_link', {})).command_status };
  },
  async unbind() {
    const closed = new Promise((resolve) => session.on('close', resolve));
    const answer = await ask(session, 'unbind', {});
    await closed;
    return { status: answer.command_status };
  },
  listen(told) {
    const read = (file) => file && fs.readFileSync(file);
    const asks = told.ca && { requestCert: true, rejectUnauthorized: true, ca: read(told.ca) };
    const tls = told.certificate && { cert: read(told.certificate), key: read(told.key), ...asks };
    const server = smpp.createServer(tls || {}, (from) => serve(from, told));
    return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve({ port: server.address().port })));
  },
  async send(told) {
    const [carrier] = carried;
    const to = told.as === 'carrier' ? carrier : session;
    if (!HAVE_NO_RESPONSE.has(told.command)) {
      const answer = await ask(to, told.command, fieldsOf(told.fields));
      return { status: answer.command_status, id: answer.message_id || '' };
    }
    await new Promise((resolve) => to[told.command](fieldsOf(told.fields), undefined, resolve));
    return {};
  },
  async outbind(told) {
    const from = smpp.connect({ host: told.host, port: told.port });
    serve(from, { ...told, ...told.expects });
    const bound = new Promise((resolve) => from.on('bind_transceiver', resolve));
    from.outbind({ system_id: told.system_id, password: told.password });
    await bound;
    return {};
  },
  async deliver(told) {
    const [to] = carried;
    const answer = await ask(to, 'deliver_sm', {
      source_addr: told.source,
      destination_addr: told.destination,
      data_coding: told.data_coding,
      short_message: Buffer.from(told.octets, 'hex'),
    });
    return { status: answer.command_status };
  },
};

async function run() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const told = JSON.parse(line);
    try {
      say({ did: told.do, ...await commands[told.do](told) });
    } catch (error) {
      say({ did: told.do, error: String(error) });
    }
  }
  process.exit(0);
}

run();
