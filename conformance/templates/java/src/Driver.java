import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * A driver of your connector for entra-conformance.
 *
 * <p>connect and listMessages are a connector of a few lines, so that the first case passes; put
 * your own in their place. The messages: conformance/docs/protocol.md of entra-mock.
 */
public class Driver {
  static final ObjectMapper JSON = new ObjectMapper();
  static final HttpClient HTTP = HttpClient.newHttpClient();
  static final Map<String, Connection> CONNECTIONS = new HashMap<>();

  record Connection(String account, String token) {}

  /** What the connector's user sees when something fails. */
  static class Failure extends Exception {
    final Map<String, Object> data;

    Failure(String category, String message, Object aadsts) {
      super(message);
      data = Map.of("category", category, "message", message, "aadsts", aadsts);
    }
  }

  static Connection connect(JsonNode settings) throws Exception {
    Map<String, String> form = Map.of(
        "grant_type", "client_credentials", "client_id", settings.path("client_id").asText(),
        "client_secret", settings.path("client_secret").asText(), "scope", "https://graph.microsoft.com/.default");
    String body = form.entrySet().stream()
        .map(it -> it.getKey() + "=" + URLEncoder.encode(it.getValue(), StandardCharsets.UTF_8))
        .collect(Collectors.joining("&"));
    JsonNode answer = ask(HttpRequest.newBuilder(URI.create(
            "https://login.microsoftonline.com/" + settings.path("tenant_id").asText() + "/oauth2/v2.0/token"))
        .header("Content-Type", "application/x-www-form-urlencoded")
        .POST(HttpRequest.BodyPublishers.ofString(body)));
    if (answer.has("error")) {
      throw new Failure("invalid-credentials", answer.path("error_description").asText(), answer.path("error_codes"));
    }
    return new Connection(settings.path("account").asText(), answer.path("access_token").asText());
  }

  static JsonNode listMessages(Connection of, JsonNode arguments) throws Exception {
    JsonNode answer = ask(HttpRequest.newBuilder(URI.create("https://graph.microsoft.com/v1.0/users/" + of.account()
            + "/messages?$top=" + arguments.path("top").asInt(10)))
        .header("Authorization", "Bearer " + of.token()));
    if (answer.has("error")) {
      throw new Failure("access-denied", answer.path("error").toString(), List.of());
    }
    return answer;
  }

  static JsonNode ask(HttpRequest.Builder request) throws Exception {
    try {
      return JSON.readTree(HTTP.send(request.build(), BodyHandlers.ofString()).body());
    } catch (IOException error) {
      throw new Failure("unavailable", String.valueOf(error.getMessage()), List.of());
    }
  }

  static Object handle(String method, JsonNode params) throws Exception {
    String name = params.path("connection").asText();
    switch (method) {
      case "initialize":
        return Map.of("protocol", 1, "connector", Map.of("name", "my-connector", "version", "0.1.0", "language", "java"),
            "auth_methods", List.of("client-credentials"), "environments", List.of("office365"),
            "operations", List.of("list-messages"), "features", List.of(), "max_connections", 100);
      case "connect", "reconnect":
        CONNECTIONS.put(name, connect(params.path("settings")));
        return Map.of("state", "connected");
      case "call", "status":
        Connection found = CONNECTIONS.get(name);
        if (found == null) {
          throw new Failure("reconnect-required", "there is no such connection", List.of());
        }
        return method.equals("status")
            ? Map.of("state", "connected") : Map.of("value", listMessages(found, params.path("arguments")));
      case "disconnect":
        CONNECTIONS.remove(name);
        return Map.of();
      case "settle", "shutdown":
        return Map.of();
      default:
        return null;
    }
  }

  public static void main(String[] arguments) throws Exception {
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line; (line = lines.readLine()) != null; ) {
      JsonNode request = JSON.readTree(line);
      String method = request.path("method").asText();
      Map<String, Object> reply = new HashMap<>(Map.of("jsonrpc", "2.0", "id", request.path("id")));
      try {
        Object result = handle(method, request.path("params"));
        reply.put(result == null ? "error" : "result",
            result == null ? Map.of("code", -32601, "message", "no method " + method) : result);
      } catch (Failure failure) {
        reply.put("error", Map.of("code", -32000, "message", failure.getMessage(), "data", failure.data));
      }
      System.out.println(JSON.writeValueAsString(reply));
      if (method.equals("shutdown")) return;
    }
  }
}
