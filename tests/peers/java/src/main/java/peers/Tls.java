package peers;

import static peers.Driver.text;

import com.google.gson.JsonObject;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** PEM files in the forms that the libraries want: key stores in files, and contexts. */
final class Tls {
  static final String PASSWORD = "changeit";

  private Tls() {}

  /** Whom a customer trusts. */
  static KeyStore trust(String ca) throws Exception {
    KeyStore store = empty();
    store.setCertificateEntry("ca", certificate(ca));
    return store;
  }

  /** What one shows: a certificate, with its key. */
  static KeyStore identity(String certificate, String key) throws Exception {
    String pem = Files.readString(Path.of(key)).replaceAll("-----[A-Z ]+-----|\\s", "");
    var encoded = new PKCS8EncodedKeySpec(Base64.getDecoder().decode(pem));
    KeyStore store = empty();
    var chain = new Certificate[] {certificate(certificate)};
    String algorithm = chain[0].getPublicKey().getAlgorithm();
    store.setKeyEntry("own", KeyFactory.getInstance(algorithm).generatePrivate(encoded), PASSWORD.toCharArray(), chain);
    return store;
  }

  /** What a customer shows, if it is told to. */
  static KeyStore own(JsonObject told) throws Exception {
    return told.has("certificate") ? identity(text(told, "certificate"), text(told, "key")) : null;
  }

  /** A store as a file beside the PEM file that it was made from. */
  static String saved(KeyStore store, String beside) throws Exception {
    Path path = Path.of(beside + ".p12");
    try (var stream = Files.newOutputStream(path)) {
      store.store(stream, PASSWORD.toCharArray());
    }
    return path.toString();
  }

  static SSLContext context(KeyStore identity, KeyStore trust) throws Exception {
    var keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keys.init(identity, identity == null ? null : PASSWORD.toCharArray());
    var trusted = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trusted.init(trust);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keys.getKeyManagers(), trusted.getTrustManagers(), null);
    return context;
  }

  private static KeyStore empty() throws Exception {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    return store;
  }

  private static Certificate certificate(String path) throws Exception {
    byte[] pem = Files.readString(Path.of(path)).getBytes(StandardCharsets.US_ASCII);
    return CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(pem));
  }
}
