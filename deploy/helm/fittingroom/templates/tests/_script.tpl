{{/* Runs in the component's own image, so that no other image must be pulled. */}}
{{- define "fittingroom.testScript" -}}
import os, socket, ssl, sys, urllib.error, urllib.parse, urllib.request

def get(url):
    # The certificate is checked by whoever scrapes; here only reachability is asked.
    context = ssl._create_unverified_context() if url.startswith("https:") else None
    try:
        return urllib.request.urlopen(url, timeout=10, context=context).read().decode()
    except urllib.error.HTTPError as error:
        return "needs a password" if error.code == 401 else sys.exit(f"{url}: {error}")
    except OSError as error:
        sys.exit(f"{url}: {error}")

if os.environ["EXPORTER"]:
    url = urllib.parse.urlsplit(os.environ["EXPORTER"])
    nodes = sorted({entry[4][0] for entry in socket.getaddrinfo(url.hostname, url.port, type=socket.SOCK_STREAM)})
    for node in nodes:
        host = f"[{node}]" if ":" in node else node
        page = get(f"{url.scheme}://{host}:{url.port}/metrics")
        if page != "needs a password" and "fittingroom_build_info" not in page:
            sys.exit(f"{node}: /metrics is not the exporter's")
    print(f"{len(nodes)} exporters answer")
if os.environ["BOT"]:
    get(os.environ["BOT"] + "/readyz")
    print("the bot is ready")
{{- end -}}
