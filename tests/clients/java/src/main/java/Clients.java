import com.azure.core.credential.TokenCredential;
import com.azure.core.credential.TokenRequestContext;
import com.azure.identity.ClientCertificateCredentialBuilder;
import com.azure.identity.ClientSecretCredentialBuilder;
import com.azure.identity.DeviceCodeCredentialBuilder;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.function.Supplier;

/**
 * Signs in with azure-identity for Java, and asks Graph; knows nothing of a mock.
 *
 * <p>The world comes from the ready file (ENTRA_MOCK_READY). The argument is a program that plays the
 * person at the address and with the code that follow it. Prints a line for each way to sign in; ends
 * with 1 where one does not lead to an answer of Graph.
 */
public final class Clients {
    private static boolean failed = false;

    public static void main(String[] arguments) throws Exception {
        JsonNode world = new ObjectMapper().readTree(new File(System.getenv("ENTRA_MOCK_READY")))
            .at("/environments/office365");
        String tenant = world.at("/tenant/id").asText();
        JsonNode apps = world.get("apps");
        String all = "https://graph.microsoft.com/.default";

        JsonNode daemon = apps.get("daemon-secret");
        ask("secret", all, "users", () -> new ClientSecretCredentialBuilder()
            .tenantId(tenant)
            .clientId(daemon.get("client_id").asText())
            .clientSecret(daemon.get("client_secret").asText())
            .build());

        JsonNode archive = apps.get("daemon-certificate");
        ask("pfx", all, "users", () -> new ClientCertificateCredentialBuilder()
            .tenantId(tenant)
            .clientId(archive.get("client_id").asText())
            .pfxCertificate(archive.get("pfx_file").asText())
            .clientCertificatePassword(archive.get("pfx_password").asText())
            .build());

        ask("device code", "https://graph.microsoft.com/User.Read", "me", () -> new DeviceCodeCredentialBuilder()
            .tenantId(tenant)
            .clientId(apps.at("/native-app/client_id").asText())
            .challengeConsumer(told -> {
                try {
                    new ProcessBuilder("node", arguments[0], told.getVerificationUrl(), told.getUserCode())
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start();
                } catch (IOException error) {
                    throw new UncheckedIOException(error);
                }
            })
            .build());
        System.exit(failed ? 1 : 0);
    }

    private static void ask(String way, String scope, String path, Supplier<TokenCredential> credential) {
        String outcome;
        try {
            String token = credential.get().getTokenSync(new TokenRequestContext().addScopes(scope)).getToken();
            HttpRequest request = HttpRequest.newBuilder(URI.create("https://graph.microsoft.com/v1.0/" + path))
                .header("Authorization", "Bearer " + token)
                .build();
            HttpClient client = HttpClient.newBuilder().proxy(java.net.ProxySelector.getDefault()).build();
            int status = client.send(request, HttpResponse.BodyHandlers.ofString()).statusCode();
            failed |= status != 200;
            outcome = String.valueOf(status);
        } catch (Exception error) {
            failed = true;
            outcome = error.toString();
        }
        System.out.println(way + " " + outcome);
    }
}
