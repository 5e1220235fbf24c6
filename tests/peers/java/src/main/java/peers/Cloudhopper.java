package peers;

import static peers.Driver.fields;
import static peers.Driver.hex;
import static peers.Driver.octets;
import static peers.Driver.saw;
import static peers.Driver.text;

import com.cloudhopper.commons.charset.CharsetUtil;
import com.cloudhopper.commons.gsm.GsmUtil;
import com.cloudhopper.smpp.SmppBindType;
import com.cloudhopper.smpp.SmppConstants;
import com.cloudhopper.smpp.SmppSession;
import com.cloudhopper.smpp.SmppSessionConfiguration;
import com.cloudhopper.smpp.impl.DefaultSmppClient;
import com.cloudhopper.smpp.impl.DefaultSmppSessionHandler;
import com.cloudhopper.smpp.pdu.DeliverSm;
import com.cloudhopper.smpp.pdu.EnquireLink;
import com.cloudhopper.smpp.pdu.PduRequest;
import com.cloudhopper.smpp.pdu.PduResponse;
import com.cloudhopper.smpp.pdu.SubmitSm;
import com.cloudhopper.smpp.ssl.SslConfiguration;
import com.cloudhopper.smpp.type.Address;
import com.cloudhopper.smpp.type.SmppBindException;
import com.cloudhopper.smpp.util.DeliveryReceipt;
import com.cloudhopper.smpp.util.DeliveryReceiptException;
import com.cloudhopper.smpp.util.SmppUtil;
import com.google.gson.JsonObject;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.Map;
import org.joda.time.DateTimeZone;

/** Cloudhopper. It has alphabets and splits by concatenation headers. */
final class Cloudhopper extends DefaultSmppSessionHandler implements Driver.Peer {
  private static final long PATIENCE_MS = 30_000;

  private final CloudhopperCarrier carrier = new CloudhopperCarrier();
  private final DefaultSmppClient client = new DefaultSmppClient();
  private SmppSession session;
  private byte reference;

  @Override
  public Map<String, Object> run(String command, JsonObject told) throws Exception {
    return switch (command) {
      case "bind" -> bind(told);
      case "submit" -> submit(told);
      case "link" -> fields("status", session.enquireLink(new EnquireLink(), PATIENCE_MS).getCommandStatus());
      case "unbind" -> {
        session.unbind(PATIENCE_MS);
        yield fields("status", session.isClosed() ? 0 : -1);
      }
      case "listen" -> carrier.listen(told);
      case "deliver" -> carrier.deliver(told);
      default -> throw new IllegalArgumentException(command);
    };
  }

  private Map<String, Object> bind(JsonObject told) throws Exception {
    SmppBindType type =
        switch (text(told, "mode")) {
          case "transmitter" -> SmppBindType.TRANSMITTER;
          case "receiver" -> SmppBindType.RECEIVER;
          default -> SmppBindType.TRANSCEIVER;
        };
    var configuration = new SmppSessionConfiguration(type, text(told, "system_id"), text(told, "password"));
    configuration.setHost(text(told, "host"));
    configuration.setPort(told.get("port").getAsInt());
    configuration.setConnectTimeout(PATIENCE_MS);
    configuration.setBindTimeout(PATIENCE_MS);
    configuration.getLoggingOptions().setLogPdu(false);
    if (told.has("ca")) {
      var tls = new SslConfiguration();
      // Its Netty cannot read records of TLS 1.3.
      tls.setIncludeProtocols("TLSv1.2");
      String store = Tls.saved(Tls.trust(text(told, "ca")), text(told, "ca"));
      // It wants a store of keys, even if it has none to show.
      KeyStore own = Tls.own(told);
      tls.setKeyStorePath(own == null ? store : Tls.saved(own, text(told, "certificate")));
      tls.setKeyStoreType("PKCS12");
      tls.setKeyStorePassword(Tls.PASSWORD);
      tls.setKeyManagerPassword(Tls.PASSWORD);
      tls.setTrustStorePath(store);
      tls.setTrustStoreType("PKCS12");
      tls.setTrustStorePassword(Tls.PASSWORD);
      // Otherwise it takes any certificate.
      tls.setTrustAll(false);
      configuration.setUseSsl(true);
      configuration.setSslConfiguration(tls);
    }
    try {
      session = client.bind(configuration, this);
    } catch (SmppBindException refused) {
      return fields("status", refused.getBindResponse().getCommandStatus());
    }
    return fields("status", 0);
  }

  private Map<String, Object> submit(JsonObject told) throws Exception {
    var answers = new ArrayList<Map<String, Object>>();
    switch (text(told, "kind")) {
      case "long" -> {
        byte[] message = CharsetUtil.encode(text(told, "text"), CharsetUtil.CHARSET_GSM);
        for (byte[] part : GsmUtil.createConcatenatedBinaryShortMessages(message, ++reference)) {
          answers.add(send(told, SmppConstants.ESM_CLASS_UDHI_MASK, SmppConstants.DATA_CODING_DEFAULT, part));
        }
      }
      case "unicode" -> {
        byte[] message = CharsetUtil.encode(text(told, "text"), CharsetUtil.CHARSET_UCS_2);
        answers.add(send(told, (byte) 0, SmppConstants.DATA_CODING_UCS2, message));
      }
      case "binary" -> {
        byte[] header = octets(told, "udh");
        byte[] message = octets(told, "octets");
        byte[] whole = java.util.Arrays.copyOf(header, header.length + message.length);
        System.arraycopy(message, 0, whole, header.length, message.length);
        answers.add(send(told, SmppConstants.ESM_CLASS_UDHI_MASK, SmppConstants.DATA_CODING_8BIT, whole));
      }
      default -> {
        byte[] message = CharsetUtil.encode(text(told, "text"), CharsetUtil.CHARSET_GSM);
        answers.add(send(told, (byte) 0, SmppConstants.DATA_CODING_DEFAULT, message));
      }
    }
    return fields("answers", answers);
  }

  private Map<String, Object> send(JsonObject told, byte esmClass, byte dataCoding, byte[] message) throws Exception {
    var submit = new SubmitSm();
    submit.setSourceAddress(new Address((byte) 5, (byte) 0, text(told, "source")));
    submit.setDestAddress(new Address((byte) 1, (byte) 1, text(told, "destination")));
    submit.setEsmClass(esmClass);
    submit.setDataCoding(dataCoding);
    submit.setRegisteredDelivery(SmppConstants.REGISTERED_DELIVERY_SMSC_RECEIPT_REQUESTED);
    submit.setShortMessage(message);
    var response = session.submit(submit, PATIENCE_MS);
    String id = response.getMessageId();
    return fields("status", response.getCommandStatus(), "id", id == null ? "" : id);
  }

  @Override
  public PduResponse firePduRequestReceived(PduRequest request) {
    if (request instanceof DeliverSm delivered) {
      take(delivered);
    }
    return request.createResponse();
  }

  private static void take(DeliverSm delivered) {
    if (!SmppUtil.isMessageTypeSmscDeliveryReceipt(delivered.getEsmClass())) {
      saw(
          "saw", "message",
          "source", delivered.getSourceAddress().getAddress(),
          "destination", delivered.getDestAddress().getAddress(),
          "data_coding", delivered.getDataCoding() & 0xFF,
          "octets", hex(delivered.getShortMessage()));
      return;
    }
    try {
      String text = CharsetUtil.decode(delivered.getShortMessage(), CharsetUtil.CHARSET_GSM);
      var receipt = DeliveryReceipt.parseShortMessage(text, DateTimeZone.UTC);
      saw("saw", "receipt", "id", receipt.getMessageId(), "state", DeliveryReceipt.toStateText(receipt.getState()));
    } catch (DeliveryReceiptException error) {
      saw("saw", "receipt", "error", error.toString());
    }
  }
}
