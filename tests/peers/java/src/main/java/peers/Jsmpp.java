package peers;

import static peers.Driver.fields;
import static peers.Driver.hex;
import static peers.Driver.octets;
import static peers.Driver.saw;
import static peers.Driver.text;

import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.Map;
import org.jsmpp.bean.AlertNotification;
import org.jsmpp.bean.BindType;
import org.jsmpp.bean.DataSm;
import org.jsmpp.bean.DeliverSm;
import org.jsmpp.bean.ESMClass;
import org.jsmpp.bean.InterfaceVersion;
import org.jsmpp.bean.MessageType;
import org.jsmpp.bean.NumberingPlanIndicator;
import org.jsmpp.bean.OptionalParameter;
import org.jsmpp.bean.OptionalParameters;
import org.jsmpp.bean.RawDataCoding;
import org.jsmpp.bean.RegisteredDelivery;
import org.jsmpp.bean.SMSCDeliveryReceipt;
import org.jsmpp.bean.TypeOfNumber;
import org.jsmpp.extra.NegativeResponseException;
import org.jsmpp.extra.ProcessRequestException;
import org.jsmpp.extra.ResponseTimeoutException;
import org.jsmpp.extra.SessionState;
import org.jsmpp.session.BindParameter;
import org.jsmpp.session.DataSmResult;
import org.jsmpp.session.MessageReceiverListener;
import org.jsmpp.session.SMPPSession;
import org.jsmpp.session.Session;
import org.jsmpp.session.connection.socket.SocketConnection;
import org.jsmpp.util.InvalidDeliveryReceiptException;

/**
 * jSMPP. As a customer it knows no alphabets and does not split; this driver splits by the SAR parameters, for which the library has
 * constructors.
 */
final class Jsmpp implements Driver.Peer, MessageReceiverListener {
  private static final int SEGMENT_OCTETS = 153;
  private static final long PATIENCE_MS = 30_000;
  private static final long BIND_MS = 5_000;
  private static final long UNBIND_MS = 2_000;
  private static final byte UDHI = 0x40;

  private final JsmppCarrier carrier = new JsmppCarrier();
  private SMPPSession session;
  private int reference;

  @Override
  public Map<String, Object> run(String command, JsonObject told) throws Exception {
    return switch (command) {
      case "bind" -> bind(told);
      case "submit" -> submit(told);
      case "link" -> {
        // The library asks for the link by itself after this much silence; a link that is not answered ends the session.
        session.setEnquireLinkTimer(100);
        Thread.sleep(500);
        yield fields("status", session.getSessionState().isBound() ? 0 : -1);
      }
      case "unbind" -> {
        // The connection's end may overtake the response in the library, which then waits until its time is up.
        session.setTransactionTimer(UNBIND_MS);
        session.unbindAndClose();
        yield fields("status", session.getSessionState() == SessionState.CLOSED ? 0 : -1);
      }
      case "listen" -> carrier.listen(told);
      case "deliver" -> carrier.deliver(told);
      default -> throw new IllegalArgumentException(command);
    };
  }

  private Map<String, Object> bind(JsonObject told) throws Exception {
    if (told.has("ca")) {
      var factory = Tls.context(Tls.own(told), Tls.trust(text(told, "ca"))).getSocketFactory();
      session = new SMPPSession((host, port) -> new SocketConnection(factory.createSocket(host, port)));
    } else {
      session = new SMPPSession();
    }
    session.setMessageReceiverListener(this);
    session.setTransactionTimer(PATIENCE_MS);
    session.setEnquireLinkTimer((int) PATIENCE_MS);
    BindType type =
        switch (text(told, "mode")) {
          case "transmitter" -> BindType.BIND_TX;
          case "receiver" -> BindType.BIND_RX;
          default -> BindType.BIND_TRX;
        };
    var parameters =
        new BindParameter(
            type,
            text(told, "system_id"),
            text(told, "password"),
            "",
            TypeOfNumber.UNKNOWN,
            NumberingPlanIndicator.UNKNOWN,
            null,
            InterfaceVersion.IF_34);
    try {
      session.connectAndBind(text(told, "host"), told.get("port").getAsInt(), parameters, BIND_MS);
    } catch (java.io.IOException error) {
      // What the carrier said is the cause.
      if (error.getCause() instanceof NegativeResponseException refused) {
        return fields("status", refused.getCommandStatus());
      }
      if (error.getCause() instanceof ResponseTimeoutException) {
        // The connection's end overtook the response in the library.
        return fields("status", null);
      }
      throw error;
    }
    return fields("status", 0);
  }

  private Map<String, Object> submit(JsonObject told) throws Exception {
    byte[] message = octets(told, "octets");
    var answers = new ArrayList<Map<String, Object>>();
    switch (text(told, "kind")) {
      case "long" -> {
        reference++;
        int count = (message.length + SEGMENT_OCTETS - 1) / SEGMENT_OCTETS;
        for (int part = 0; part < count; part++) {
          int from = part * SEGMENT_OCTETS;
          byte[] segment = java.util.Arrays.copyOfRange(message, from, Math.min(from + SEGMENT_OCTETS, message.length));
          answers.add(
              send(
                  told,
                  new ESMClass(),
                  0,
                  segment,
                  OptionalParameters.newSarMsgRefNum(reference),
                  OptionalParameters.newSarTotalSegments(count),
                  OptionalParameters.newSarSegmentSeqnum(part + 1)));
        }
      }
      case "binary" -> {
        byte[] header = octets(told, "udh");
        byte[] whole = java.util.Arrays.copyOf(header, header.length + message.length);
        System.arraycopy(message, 0, whole, header.length, message.length);
        answers.add(send(told, new ESMClass(UDHI), 4, whole));
      }
      case "unicode" -> answers.add(send(told, new ESMClass(), 8, message));
      default -> answers.add(send(told, new ESMClass(), 0, message));
    }
    return fields("answers", answers);
  }

  private Map<String, Object> send(
      JsonObject told, ESMClass esmClass, int dataCoding, byte[] message, OptionalParameter... parameters) throws Exception {
    try {
      var result =
          session.submitShortMessage(
              "",
              TypeOfNumber.ALPHANUMERIC,
              NumberingPlanIndicator.UNKNOWN,
              text(told, "source"),
              TypeOfNumber.INTERNATIONAL,
              NumberingPlanIndicator.ISDN,
              text(told, "destination"),
              esmClass,
              (byte) 0,
              (byte) 0,
              null,
              null,
              new RegisteredDelivery(SMSCDeliveryReceipt.SUCCESS_FAILURE),
              (byte) 0,
              new RawDataCoding((byte) dataCoding),
              (byte) 0,
              message,
              parameters);
      return fields("status", 0, "id", result.getMessageId());
    } catch (NegativeResponseException refused) {
      return fields("status", refused.getCommandStatus(), "id", "");
    }
  }

  @Override
  public void onAcceptDeliverSm(DeliverSm deliverSm) throws ProcessRequestException {
    if (!MessageType.SMSC_DEL_RECEIPT.containedIn(deliverSm.getEsmClass())) {
      saw(
          "saw", "message",
          "source", deliverSm.getSourceAddr(),
          "destination", deliverSm.getDestAddress(),
          "data_coding", deliverSm.getDataCoding(),
          "octets", hex(deliverSm.getShortMessage()));
      return;
    }
    try {
      var receipt = deliverSm.getShortMessageAsDeliveryReceipt();
      saw("saw", "receipt", "id", receipt.getId(), "state", receipt.getFinalStatus().name());
    } catch (InvalidDeliveryReceiptException error) {
      saw("saw", "receipt", "error", error.toString());
    }
  }

  @Override
  public void onAcceptAlertNotification(AlertNotification alertNotification) {}

  @Override
  public DataSmResult onAcceptDataSm(DataSm dataSm, Session source) throws ProcessRequestException {
    throw new ProcessRequestException("data_sm is not expected", 3);
  }
}
