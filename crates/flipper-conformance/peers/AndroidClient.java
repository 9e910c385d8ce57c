import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.net.http.WebSocketHandshakeException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.Date;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;

/**
 * A client on JSSE, Java's own TLS, that trusts a desktop by the rules of the official Android SDK: the desktop shows
 * exactly its certificate and its CA's, both begun and begun less than 30 days ago, and the CA is the delivered one.
 *
 * <p>As there, OpenSSL makes key and request, and packs the key with the delivered certificate into a PKCS#12 file.
 *
 * <pre>java AndroidClient.java --exchange-port P --secure-port P --dir DIR --app NAME --app-id ID</pre>
 *
 * It is told what to do by lines on its standard input ({@code exchange}, {@code connect}, {@code connect-from ORIGIN},
 * {@code close}), and tells what happened as one JSON object a line.
 */
public final class AndroidClient {
    private static final Duration MAX_AGE = Duration.ofDays(30);
    private static final char[] PASSWORD = "fl1pp3r".toCharArray();

    private final Map<String, String> flags = new HashMap<>();
    private String deviceId = "unknown";
    private WebSocket session;

    public static void main(String[] arguments) throws Exception {
        new AndroidClient(arguments).obey();
    }

    private AndroidClient(String[] arguments) {
        for (int at = 0; at + 1 < arguments.length; at += 2) {
            flags.put(arguments[at].substring(2), arguments[at + 1]);
        }
    }

    private void obey() throws Exception {
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            String[] words = line.split(" ");
            switch (words[0]) {
                case "exchange" -> exchange();
                case "connect" -> connect(null);
                case "connect-from" -> connect(words[1]);
                case "close" -> session.sendClose(WebSocket.NORMAL_CLOSURE, "");
                default -> throw new IllegalArgumentException(line);
            }
        }
        System.exit(0);
    }

    private void exchange() throws Exception {
        openssl("genrsa", "-out", path("privateKey.pem"), "2048");
        String subject = "/C=US/ST=CA/L=Menlo Park/O=Flipper/CN=" + flags.get("app-id");
        openssl("req", "-new", "-sha256", "-key", path("privateKey.pem"), "-subj", subject, "-out", path("app.csr"));
        String csr = Files.readString(Path.of(path("app.csr"))).replace("\n", "\\n");
        URI uri = URI.create("ws://localhost:" + flags.get("exchange-port") + "/?" + query());
        WebSocket socket = HttpClient.newHttpClient().newWebSocketBuilder().buildAsync(uri, new Listener()).join();
        socket.sendText("{\"method\":\"signCertificate\",\"csr\":\"" + csr + "\",\"destination\":\""
            + flags.get("dir") + "/\",\"medium\":1,\"timestamp\":" + System.currentTimeMillis() + "}", true).join();
    }

    /** The answer to the exchange is there, and so are the files. */
    private void exchanged(WebSocket socket, String answer) throws Exception {
        Matcher granted = Pattern.compile("\"deviceId\":\"([^\"]*)\"").matcher(answer);
        if (granted.find()) {
            deviceId = granted.group(1);
            openssl("pkcs12", "-export", "-inkey", path("privateKey.pem"), "-in", path("device.crt"),
                "-out", path("device.p12"), "-passout", "pass:" + new String(PASSWORD));
        }
        socket.sendClose(WebSocket.NORMAL_CLOSURE, "");
        tell("exchanged", "\"answer\":" + answer);
    }

    private void connect(String origin) throws Exception {
        String csr = Base64.getEncoder().encodeToString(Files.readAllBytes(Path.of(path("app.csr"))));
        URI uri = URI.create("wss://localhost:" + flags.get("secure-port") + "/?" + query() + "&csr=" + csr
            + "&csr_path=" + escape(flags.get("dir") + "/"));
        WebSocket.Builder builder = HttpClient.newBuilder().sslContext(tls()).build().newWebSocketBuilder();
        if (origin != null) {
            builder.header("Origin", origin);
        }
        try {
            session = builder.buildAsync(uri, new Listener()).join();
            tell("connected", "\"deviceId\":\"" + deviceId + "\"");
        } catch (CompletionException failure) {
            if (failure.getCause() instanceof WebSocketHandshakeException refused) {
                tell("refused", "\"status\":" + refused.getResponse().statusCode());
            } else {
                tell("failed", "\"error\":\"" + failure.getCause().toString().replaceAll("[\"\\\\\n]", " ") + "\"");
            }
        }
    }

    private SSLContext tls() throws Exception {
        KeyStore own = KeyStore.getInstance("PKCS12");
        try (FileInputStream file = new FileInputStream(path("device.p12"))) {
            own.load(file, PASSWORD);
        }
        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(own, PASSWORD);
        KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
        trusted.load(null);
        try (FileInputStream file = new FileInputStream(path("sonarCA.crt"))) {
            trusted.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(file));
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);
        X509TrustManager usual = (X509TrustManager) trust.getTrustManagers()[0];
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), new TrustManager[] {new Trust(usual)}, null);
        return context;
    }

    private record Trust(X509TrustManager usual) implements X509TrustManager {
        @Override
        public void checkServerTrusted(X509Certificate[] chain, String authType) throws CertificateException {
            if (chain.length != 2) {
                throw new CertificateException("the chain has " + chain.length + " certificates");
            }
            Date now = new Date();
            for (X509Certificate certificate : chain) {
                certificate.checkValidity(now);
                Duration age = Duration.between(certificate.getNotBefore().toInstant(), now.toInstant());
                if (age.compareTo(MAX_AGE) > 0) {
                    throw new CertificateException("a certificate is " + age.toDays() + " days old");
                }
            }
            usual.checkServerTrusted(chain, authType);
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String authType) throws CertificateException {
            throw new CertificateException("this is no server");
        }

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return usual.getAcceptedIssuers();
        }
    }

    /** Puts messages together, and answers what a desktop asks. */
    private final class Listener implements WebSocket.Listener {
        private final StringBuilder message = new StringBuilder();

        @Override
        public CompletionStage<?> onText(WebSocket socket, CharSequence part, boolean last) {
            message.append(part);
            if (last) {
                String text = message.toString();
                message.setLength(0);
                try {
                    read(socket, text);
                } catch (Exception error) {
                    throw new IllegalStateException(text, error);
                }
            }
            socket.request(1);
            return null;
        }

        @Override
        public CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
            if (socket == session) {
                tell("closed", "\"code\":" + code);
            }
            return null;
        }

        @Override
        public void onError(WebSocket socket, Throwable error) {
            if (socket == session) {
                tell("lost", "\"error\":\"" + error.toString().replaceAll("[\"\\\\\n]", " ") + "\"");
            }
        }
    }

    private void read(WebSocket socket, String text) throws Exception {
        Matcher id = Pattern.compile("\"id\":(\\d+)").matcher(text);
        if (!id.find()) {
            if (!text.contains("\"method\"")) {
                exchanged(socket, text);
            }
            return;
        }
        String answer;
        Matcher word = Pattern.compile("\"word\":\"(\\w*)\"").matcher(text);
        if (text.contains("\"getPlugins\"") || text.contains("\"getBackgroundPlugins\"")) {
            answer = "{\"plugins\":[\"Java\"]}";
        } else if (word.find()) {
            answer = "{\"word\":\"" + new StringBuilder(word.group(1)).reverse() + "\"}";
        } else {
            answer = "{}";
        }
        socket.sendText("{\"id\":" + id.group(1) + ",\"success\":" + answer + "}", true).join();
    }

    private String query() {
        return "os=MacOS&device=jsse&device_id=" + escape(deviceId) + "&app=" + escape(flags.get("app")) + "&app_id="
            + escape(flags.get("app-id")) + "&sdk_version=4&medium=1";
    }

    private String path(String name) {
        return Path.of(flags.get("dir"), name).toString();
    }

    private static String escape(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    private static void openssl(String... arguments) throws Exception {
        String[] command = new String[arguments.length + 1];
        command[0] = "openssl";
        System.arraycopy(arguments, 0, command, 1, arguments.length);
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IllegalStateException(Arrays.toString(command) + ": " + said);
        }
    }

    private static synchronized void tell(String step, String rest) {
        System.out.println("{\"step\":\"" + step + "\"," + rest + "}");
    }
}
