package peers;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Runs one peer: commands from standard input, answers and events to standard output. The protocol stands in
 * tests/peers/README.md.
 *
 * <p>{@code java -cp ... peers.Driver jsmpp|cloudhopper}
 */
public final class Driver {
  private static final Gson GSON = new GsonBuilder().serializeNulls().create();

  private Driver() {}

  /** What a library can be told to do. */
  interface Peer {
    Map<String, Object> run(String command, JsonObject told) throws Exception;
  }

  public static void main(String[] arguments) throws IOException {
    Peer peer = arguments[0].equals("jsmpp") ? new Jsmpp() : new Cloudhopper();
    var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      JsonObject told = JsonParser.parseString(line).getAsJsonObject();
      String command = told.get("do").getAsString();
      Map<String, Object> answer = fields("did", command);
      try {
        answer.putAll(peer.run(command, told));
      } catch (Exception error) {
        error.printStackTrace();
        answer.put("error", error.toString());
      }
      say(answer);
    }
    System.exit(0);
  }

  /** An event. */
  static void saw(Object... fields) {
    say(fields(fields));
  }

  /** Names and values, in turn. */
  static Map<String, Object> fields(Object... each) {
    var map = new LinkedHashMap<String, Object>();
    for (int index = 0; index < each.length; index += 2) {
      map.put((String) each[index], each[index + 1]);
    }
    return map;
  }

  static String text(JsonObject told, String name) {
    return told.has(name) ? told.get(name).getAsString() : "";
  }

  static byte[] octets(JsonObject told, String name) {
    return HexFormat.of().parseHex(text(told, name));
  }

  static String hex(byte[] octets) {
    return octets == null ? "" : HexFormat.of().formatHex(octets);
  }

  private static synchronized void say(Map<String, Object> fields) {
    byte[] line = (GSON.toJson(fields) + "\n").getBytes(StandardCharsets.UTF_8);
    System.out.write(line, 0, line.length);
    System.out.flush();
  }
}
