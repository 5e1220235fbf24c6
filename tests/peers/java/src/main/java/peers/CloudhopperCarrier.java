package peers;

import static peers.Driver.fields;
import static peers.Driver.hex;
import static peers.Driver.octets;
import static peers.Driver.saw;
import static peers.Driver.text;

import com.cloudhopper.smpp.SmppConstants;
import com.cloudhopper.smpp.SmppServerConfiguration;
import com.cloudhopper.smpp.SmppServerHandler;
import com.cloudhopper.smpp.SmppServerSession;
import com.cloudhopper.smpp.SmppSession;
import com.cloudhopper.smpp.SmppSessionConfiguration;
import com.cloudhopper.smpp.impl.DefaultSmppServer;
import com.cloudhopper.smpp.impl.DefaultSmppSessionHandler;
import com.cloudhopper.smpp.pdu.BaseBind;
import com.cloudhopper.smpp.pdu.BaseBindResp;
import com.cloudhopper.smpp.pdu.DeliverSm;
import com.cloudhopper.smpp.pdu.EnquireLink;
import com.cloudhopper.smpp.pdu.PduRequest;
import com.cloudhopper.smpp.pdu.PduResponse;
import com.cloudhopper.smpp.pdu.SubmitSm;
import com.cloudhopper.smpp.pdu.Unbind;
import com.cloudhopper.smpp.ssl.SslConfiguration;
import com.cloudhopper.smpp.type.Address;
import com.cloudhopper.smpp.type.SmppProcessingException;
import com.cloudhopper.smpp.util.DeliveryReceipt;
import com.google.gson.JsonObject;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.joda.time.DateTime;
import org.joda.time.DateTimeZone;

/** Cloudhopper as a carrier. Its ids are decimal: as they are in responses, padded to ten digits in receipts, which have TLVs. */
final class CloudhopperCarrier implements SmppServerHandler {
  private static final long PATIENCE_MS = 30_000;

  private final CopyOnWriteArrayList<SmppSession> sessions = new CopyOnWriteArrayList<>();
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private JsonObject told;
  private long count = 4_711;

  Map<String, Object> listen(JsonObject command) throws Exception {
    told = command;
    var configuration = new SmppServerConfiguration();
    configuration.setHost(InetAddress.getLoopbackAddress().getHostAddress());
    configuration.setPort(free());
    configuration.setSystemId("cloudhopper");
    configuration.setAutoNegotiateInterfaceVersion(true);
    configuration.setInterfaceVersion(SmppConstants.VERSION_3_4);
    configuration.setNonBlockingSocketsEnabled(true);
    configuration.setBindTimeout(PATIENCE_MS);
    configuration.setJmxEnabled(false);
    if (command.has("certificate")) {
      var tls = new SslConfiguration();
      // Its Netty cannot read records of TLS 1.3.
      tls.setIncludeProtocols("TLSv1.2");
      var identity = Tls.identity(text(command, "certificate"), text(command, "key"));
      tls.setKeyStorePath(Tls.saved(identity, text(command, "certificate")));
      tls.setKeyStoreType("PKCS12");
      tls.setKeyStorePassword(Tls.PASSWORD);
      tls.setKeyManagerPassword(Tls.PASSWORD);
      if (command.has("ca")) {
        tls.setNeedClientAuth(true);
        tls.setTrustStorePath(Tls.saved(Tls.trust(text(command, "ca")), text(command, "ca")));
        tls.setTrustStoreType("PKCS12");
        tls.setTrustStorePassword(Tls.PASSWORD);
      }
      configuration.setUseSsl(true);
      configuration.setSslConfiguration(tls);
    }
    new DefaultSmppServer(configuration, this, threads).start();
    return fields("port", configuration.getPort());
  }

  /** The library does not say which port it took, if it is asked for any. */
  private static int free() throws Exception {
    try (var probe = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return probe.getLocalPort();
    }
  }

  @Override
  @SuppressWarnings("rawtypes")
  public void sessionBindRequested(Long sessionId, SmppSessionConfiguration asked, BaseBind request)
      throws SmppProcessingException {
    boolean accepted =
        asked.getSystemId().equals(text(told, "system_id")) && asked.getPassword().equals(text(told, "password"));
    saw(
        "saw", "bound",
        "system_id", asked.getSystemId(),
        "mode", asked.getType().name().toLowerCase(Locale.ROOT),
        "accepted", accepted);
    if (!accepted) {
      throw new SmppProcessingException(SmppConstants.STATUS_INVPASWD);
    }
  }

  @Override
  public void sessionCreated(Long sessionId, SmppServerSession session, BaseBindResp response) {
    session.serverReady(new Handler(session));
    sessions.add(session);
  }

  @Override
  public void sessionDestroyed(Long sessionId, SmppServerSession session) {
    sessions.remove(session);
    session.destroy();
  }

  Map<String, Object> deliver(JsonObject command) throws Exception {
    var message = new DeliverSm();
    message.setSourceAddress(new Address((byte) 0, (byte) 0, text(command, "source")));
    message.setDestAddress(new Address((byte) 0, (byte) 0, text(command, "destination")));
    message.setDataCoding(command.get("data_coding").getAsByte());
    message.setShortMessage(octets(command, "octets"));
    return fields("status", send(sessions.get(0), message));
  }

  private static int send(SmppSession to, DeliverSm message) throws Exception {
    var answer = to.sendRequestPdu(message, PATIENCE_MS, true);
    if (!answer.await(PATIENCE_MS)) {
      throw new IllegalStateException("deliver_sm was not answered");
    }
    return answer.getResponse().getCommandStatus();
  }

  /** Of one session. */
  private final class Handler extends DefaultSmppSessionHandler {
    private final SmppSession session;

    Handler(SmppSession session) {
      this.session = session;
    }

    @Override
    public PduResponse firePduRequestReceived(PduRequest request) {
      if (request instanceof EnquireLink) {
        saw("saw", "link");
      } else if (request instanceof Unbind) {
        saw("saw", "unbound");
      } else if (request instanceof SubmitSm message) {
        return submitted(message);
      }
      return request.createResponse();
    }

    private PduResponse submitted(SubmitSm message) {
      var response = message.createResponse();
      if (message.getDestAddress().getAddress().equals(text(told, "refused"))) {
        response.setCommandStatus(SmppConstants.STATUS_INVDSTADR);
        return response;
      }
      long id = ++count;
      var payload = message.getOptionalParameter(SmppConstants.TAG_MESSAGE_PAYLOAD);
      saw(
          "saw", "submitted",
          "id", Long.toString(id),
          "source", message.getSourceAddress().getAddress(),
          "destination", message.getDestAddress().getAddress(),
          "esm_class", message.getEsmClass() & 0xFF,
          "data_coding", message.getDataCoding() & 0xFF,
          "octets", hex(payload == null ? message.getShortMessage() : payload.getValue()),
          "payload", payload != null);
      response.setMessageId(Long.toString(id));
      threads.submit(() -> receipt(message, id));
      return response;
    }

    private Void receipt(SubmitSm message, long id) throws Exception {
      DateTime now = DateTime.now(DateTimeZone.UTC);
      String padded = String.format(Locale.ROOT, "%010d", id);
      var receipt = new DeliveryReceipt(padded, 1, 1, now, now, SmppConstants.STATE_DELIVERED, 0, "hello");
      var delivery = new DeliverSm();
      delivery.setSourceAddress(message.getDestAddress());
      delivery.setDestAddress(message.getSourceAddress());
      delivery.setEsmClass(SmppConstants.ESM_CLASS_MT_SMSC_DELIVERY_RECEIPT);
      delivery.setShortMessage(receipt.toShortMessage().getBytes(StandardCharsets.US_ASCII));
      delivery.addOptionalParameter(
          com.cloudhopper.smpp.util.TlvUtil.createNullTerminatedStringTlv(SmppConstants.TAG_RECEIPTED_MSG_ID, padded));
      delivery.addOptionalParameter(
          new com.cloudhopper.smpp.tlv.Tlv(SmppConstants.TAG_MSG_STATE, new byte[] {SmppConstants.STATE_DELIVERED}));
      saw("saw", "answered", "id", Long.toString(id), "status", send(session, delivery));
      return null;
    }
  }
}
