package peers;

import static peers.Driver.fields;
import static peers.Driver.hex;
import static peers.Driver.octets;
import static peers.Driver.saw;
import static peers.Driver.text;

import com.google.gson.JsonObject;
import java.net.InetAddress;
import java.util.Date;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jsmpp.SMPPConstant;
import org.jsmpp.bean.*;
import org.jsmpp.extra.NegativeResponseException;
import org.jsmpp.extra.ProcessRequestException;
import org.jsmpp.extra.SessionState;
import org.jsmpp.session.*;
import org.jsmpp.session.connection.ServerConnectionFactory;
import org.jsmpp.session.connection.socket.ServerSocketConnection;
import org.jsmpp.util.DeliveryReceiptState;
import org.jsmpp.util.MessageId;

/** jSMPP as a carrier. Its ids are hexadecimal: small in responses, in capitals in receipts, which have their text only. */
final class JsmppCarrier implements ServerMessageReceiverListener {
  private static final long PATIENCE_MS = 30_000;

  private final CopyOnWriteArrayList<SMPPServerSession> sessions = new CopyOnWriteArrayList<>();
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private String refused = "";
  private int count = 0xABC0;

  Map<String, Object> listen(JsonObject told) throws Exception {
    refused = text(told, "refused");
    var loopback = InetAddress.getLoopbackAddress();
    var tls =
        told.has("certificate")
            ? Tls.context(Tls.own(told), told.has("ca") ? Tls.trust(text(told, "ca")) : null).getServerSocketFactory()
            : javax.net.ServerSocketFactory.getDefault();
    // The library's own factories listen on every address.
    var socket = tls.createServerSocket(0, 50, loopback);
    if (socket instanceof javax.net.ssl.SSLServerSocket secured) {
      secured.setNeedClientAuth(told.has("ca"));
    }
    ServerConnectionFactory factory = new OneSocket(new ServerSocketConnection(socket));
    var listener = new SMPPServerSessionListener(socket.getLocalPort(), factory);
    listener.setMessageReceiverListener(this);
    threads.submit(() -> accept(listener, told));
    return fields("port", socket.getLocalPort());
  }

  private Void accept(SMPPServerSessionListener listener, JsonObject told) throws Exception {
    while (true) {
      SMPPServerSession session = listener.accept();
      session.setTransactionTimer(PATIENCE_MS);
      session.addSessionStateListener(
          (newState, oldState, source) -> {
            if (newState == SessionState.UNBOUND) {
              saw("saw", "unbound");
            } else if (newState == SessionState.CLOSED) {
              sessions.remove(session);
            }
          });
      threads.submit(() -> bind(session, told));
    }
  }

  private Void bind(SMPPServerSession session, JsonObject told) throws Exception {
    BindRequest request = session.waitForBind(PATIENCE_MS);
    boolean accepted =
        request.getSystemId().equals(text(told, "system_id")) && request.getPassword().equals(text(told, "password"));
    String mode =
        switch (request.getBindType()) {
          case BIND_TX -> "transmitter";
          case BIND_RX -> "receiver";
          case BIND_TRX -> "transceiver";
        };
    saw("saw", "bound", "system_id", request.getSystemId(), "mode", mode, "accepted", accepted);
    if (accepted) {
      sessions.add(session);
      request.accept("jsmpp", InterfaceVersion.IF_34);
    } else {
      request.reject(SMPPConstant.STAT_ESME_RINVPASWD);
    }
    return null;
  }

  Map<String, Object> deliver(JsonObject told) throws Exception {
    var dataCoding = new RawDataCoding(told.get("data_coding").getAsByte());
    String source = text(told, "source");
    return fields("status", send(sessions.get(0), source, text(told, "destination"), new ESMClass(), dataCoding, octets(told, "octets")));
  }

  private static int send(
      SMPPServerSession to, String source, String destination, ESMClass esmClass, DataCoding dataCoding, byte[] message)
      throws Exception {
    try {
      to.deliverShortMessage(
          "",
          TypeOfNumber.UNKNOWN,
          NumberingPlanIndicator.UNKNOWN,
          source,
          TypeOfNumber.UNKNOWN,
          NumberingPlanIndicator.UNKNOWN,
          destination,
          esmClass,
          (byte) 0,
          (byte) 0,
          new RegisteredDelivery(),
          dataCoding,
          message);
      return 0;
    } catch (NegativeResponseException negative) {
      return negative.getCommandStatus();
    }
  }

  @Override
  public synchronized SubmitSmResult onAcceptSubmitSm(SubmitSm message, SMPPServerSession source) throws ProcessRequestException {
    if (message.getDestAddress().equals(refused)) {
      throw new ProcessRequestException("refused", SMPPConstant.STAT_ESME_RINVDSTADR);
    }
    count++;
    String id = String.format(Locale.ROOT, "%08x", count);
    var payload = message.getOptionalParameter(OptionalParameter.Message_payload.class);
    saw(
        "saw", "submitted",
        "id", id,
        "source", message.getSourceAddr(),
        "destination", message.getDestAddress(),
        "esm_class", message.getEsmClass() & 0xFF,
        "data_coding", message.getDataCoding() & 0xFF,
        "octets", hex(payload == null ? message.getShortMessage() : payload.getValue()),
        "payload", payload != null);
    threads.submit(() -> receipt(message, source, id));
    try {
      return new SubmitSmResult(new MessageId(id), OptionalParameters.EMPTY_OPTIONAL_PARAMETERS);
    } catch (org.jsmpp.PDUStringException error) {
      throw new ProcessRequestException(error.getMessage(), SMPPConstant.STAT_ESME_RSYSERR, error);
    }
  }

  private Void receipt(SubmitSm message, SMPPServerSession to, String id) throws Exception {
    var now = new Date();
    var receipt =
        new DeliveryReceipt(id.toUpperCase(Locale.ROOT), 1, 1, now, now, DeliveryReceiptState.DELIVRD, "000", "hello");
    var esmClass = new ESMClass(MessageMode.DEFAULT, MessageType.SMSC_DEL_RECEIPT, GSMSpecificFeature.DEFAULT);
    byte[] text = receipt.toString().getBytes(java.nio.charset.StandardCharsets.US_ASCII);
    int status = send(to, message.getDestAddress(), message.getSourceAddr(), esmClass, new RawDataCoding((byte) 0), text);
    saw("saw", "answered", "id", id, "status", status);
    return null;
  }

  @Override
  public SubmitMultiResult onAcceptSubmitMulti(SubmitMulti message, SMPPServerSession source) throws ProcessRequestException {
    throw unexpected();
  }

  @Override
  public QuerySmResult onAcceptQuerySm(QuerySm query, SMPPServerSession source) throws ProcessRequestException {
    throw unexpected();
  }

  @Override
  public void onAcceptReplaceSm(ReplaceSm replacement, SMPPServerSession source) throws ProcessRequestException {
    throw unexpected();
  }

  @Override
  public void onAcceptCancelSm(CancelSm cancellation, SMPPServerSession source) throws ProcessRequestException {
    throw unexpected();
  }

  @Override
  public BroadcastSmResult onAcceptBroadcastSm(BroadcastSm message, SMPPServerSession source) throws ProcessRequestException {
    throw unexpected();
  }

  @Override
  public void onAcceptCancelBroadcastSm(CancelBroadcastSm cancellation, SMPPServerSession source) throws ProcessRequestException {
    throw unexpected();
  }

  @Override
  public QueryBroadcastSmResult onAcceptQueryBroadcastSm(QueryBroadcastSm query, SMPPServerSession source)
      throws ProcessRequestException {
    throw unexpected();
  }

  @Override
  public DataSmResult onAcceptDataSm(DataSm message, Session source) throws ProcessRequestException {
    throw unexpected();
  }

  private static ProcessRequestException unexpected() {
    return new ProcessRequestException("not expected", SMPPConstant.STAT_ESME_RINVCMDID);
  }

  /** A factory of a socket that listens already. */
  private record OneSocket(ServerSocketConnection socket) implements ServerConnectionFactory {
    @Override
    public ServerSocketConnection listen(int port) {
      return socket;
    }

    @Override
    public ServerSocketConnection listen(int port, int timeout) {
      return socket;
    }

    @Override
    public ServerSocketConnection listen(int port, int timeout, int backlog) {
      return socket;
    }
  }
}
