//! Diagnostics in networks of namespaces, as the installed program runs them. Needs root, and
//! Debian's iproute2, python3, util-linux and dnsmasq-base. What the kernel lacks is named on
//! standard error as `NOT CHECKED`.

mod world;

use serde_json::Value as Json;
use world::World;

use crate::process::not_checked;

/// Who answered at each hop; `*` for silence.
fn way(result: &Json) -> Vec<String> {
    let hop = |hop: &Json| {
        let from = hop["probes"].as_array().unwrap().iter().find_map(|p| p["from"].as_str());
        from.unwrap_or("*").to_owned()
    };
    result["data"]["hops"].as_array().unwrap().iter().map(hop).collect()
}

/// Runs until what comes out holds `words`: the kernel lets a router refuse only about once a
/// second, and no setting of a namespace changes that.
fn until(words: &str, run: impl Fn() -> (i32, String, String)) -> (i32, String) {
    let mut last = (0, String::new());
    for _ in 0..10 {
        let (code, out, _) = run();
        last = (code, out);
        if last.1.contains(words) {
            return last;
        }
    }
    panic!("never {words:?}: {}", last.1);
}

#[test]
fn traces_find_every_hop_in_order() {
    let Some(world) = World::build() else { return };
    let (code, result) = world.json("a", &["trace", "10.77.3.2", "--no-names"]);
    assert_eq!((code, way(&result)), (0, vec!["10.77.1.2".into(), "10.77.2.2".into(), "10.77.3.2".into()]), "{result}");
    let (code, result) = world.json("a", &["trace", "fd77:3::2", "--no-names"]);
    assert_eq!((code, way(&result)), (0, vec!["fd77:1::2".into(), "fd77:2::2".into(), "fd77:3::2".into()]), "{result}");
    assert_eq!(result["data"]["hops"][2]["probes"].as_array().unwrap().len(), 3);

    // A router that swallows: the way ends in stars, and that is no success.
    world.on("r2", "route add blackhole 10.77.9.0/24");
    let args = ["trace", "10.77.9.9", "--no-names", "-m", "4", "-t", "300ms"];
    let (code, result) = world.json("a", &args);
    assert_eq!((code, way(&result)), (1, ["10.77.1.2", "*", "*", "*"].map(String::from).to_vec()), "{result}");
    let (_, out, _) = world.diag("a", &args);
    assert!(out.contains("  2  * * *"), "{out}");
    assert!(out.contains("the last to answer is 10.77.1.2 at hop 1, 3 hops silent"), "{out}");

    // Routers that refuse say so.
    world.on("r2", "route add prohibit 10.77.8.0/24");
    world.on("r2", "route add unreachable 10.77.7.0/24");
    let (code, out) = until(" !X", || world.diag("a", &["trace", "10.77.8.8", "--no-names", "-t", "500ms"]));
    assert!(code == 1 && out.contains("a filter forbids it"), "{out}");
    until(" !H", || world.diag("a", &["trace", "10.77.7.7", "--no-names", "-t", "500ms"]));
    let ping = ["ping", "10.77.8.8", "-n", "2", "-i", "500ms", "-t", "500ms", "--json"];
    let (code, out) = until("prohibited", || world.diag("a", &ping));
    let result: Json = serde_json::from_str(&out).unwrap();
    assert_eq!(code, 1);
    assert!(result["data"]["unreachable"][0]["from"].as_str().is_some_and(|ip| ip.starts_with("10.77.2.")), "{result}");

    // No route at all is another thing than silence.
    world.on("a", "route del default");
    assert_eq!(world.json("a", &["trace", "10.77.3.2"]).0, 4);
    assert_eq!(world.diag("a", &["ping", "10.77.3.2"]).0, 4);
}

#[test]
fn a_silent_router_in_the_middle_is_a_star() {
    let Some(world) = World::build() else { return };
    // What r2 itself wants to say to a is dropped; what it forwards is not.
    let rule = format!("-n {} rule add iif lo to 10.77.1.0/24 blackhole", world.ns("r2"));
    let done = std::process::Command::new("ip").args(rule.split(' ')).output().unwrap();
    if !done.status.success() {
        not_checked(&format!("a silent router: {}", String::from_utf8_lossy(&done.stderr).trim()));
        return;
    }
    let (code, result) = world.json("a", &["trace", "10.77.3.2", "--no-names", "-t", "500ms"]);
    assert_eq!((code, way(&result)), (0, vec!["10.77.1.2".into(), "*".into(), "10.77.3.2".into()]), "{result}");
}

#[test]
fn loss_delay_duplicates_and_disorder_are_measured() {
    let Some(mut world) = World::build() else { return };
    let script = world.file("peer.py", include_str!("peer.py"));
    // The peer answers for an address that nobody has.
    let (a, b) = (world.ns("a"), world.ns("b"));
    let link = format!("link add p0 netns {a} type veth peer name p1 netns {b}");
    assert!(std::process::Command::new("ip").args(link.split(' ')).status().unwrap().success());
    world.on("b", "link set p1 address 02:00:00:00:00:09 up");
    world.on("a", "link set p0 up");
    world.on("a", "addr add 10.77.5.1/24 dev p0");
    world.on("a", "neigh add 10.77.5.9 lladdr 02:00:00:00:00:09 dev p0");
    world.start("b", "python3", &[&script, "p1"], "ready");
    let (code, result) = world.json("a", &["ping", "10.77.5.9", "-n", "10", "-i", "100ms", "-t", "600ms", "-s", "56"]);
    let data = &result["data"];
    let counts =
        ["sent", "received", "duplicates", "out_of_order", "corrupt", "late"].map(|k| data[k].as_u64().unwrap());
    assert_eq!((code, counts), (0, [10, 7, 1, 1, 1, 0]), "{result}");
    assert_eq!(data["loss_percent"], 30.0);
    let rtt = &data["rtt_stats_us"];
    let (min, median) = (rtt["min"].as_u64().unwrap(), rtt["p50"].as_u64().unwrap());
    assert!((25_000..45_000).contains(&min) && (25_000..60_000).contains(&median), "{rtt}");
    assert!(rtt["max"].as_u64().unwrap() >= 160_000, "{rtt}");
    // What comes after its time is late, and counts as lost.
    let (code, result) = world.json("a", &["ping", "10.77.5.9", "-n", "2", "-i", "200ms", "-t", "12ms"]);
    assert_eq!((code, &result["data"]["late"], &result["data"]["received"]), (1, &1.into(), &0.into()), "{result}");

    match world.shape("r1", "e2", "netem delay 20ms loss 20%") {
        Err(why) => not_checked(&format!("loss and delay by netem, which this kernel lacks: {why}")),
        Ok(()) => {
            let (_, result) = world.json("a", &["ping", "10.77.3.2", "-n", "200", "-i", "20ms", "-t", "500ms"]);
            let loss = result["data"]["loss_percent"].as_f64().unwrap();
            assert!((8.0..35.0).contains(&loss), "{result}");
            assert!(result["data"]["rtt_stats_us"]["min"].as_u64().unwrap() >= 20_000, "{result}");
        }
    }
}

#[test]
fn a_user_without_privileges_pings_and_traces() {
    let Some(world) = World::build() else { return };
    world.set("a", "net/ipv4/ping_group_range", "0 2147483647");
    for target in ["10.77.3.2", "fd77:3::2"] {
        let (code, out, err) = world.diag_as_nobody("a", &["ping", target, "-n", "3", "-i", "50ms", "--json"]);
        let result: Json = serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {out} {err}"));
        assert_eq!(
            (code, &result["data"]["socket"], &result["data"]["received"]),
            (0, &"datagram".into(), &3.into()),
            "{result}"
        );
        assert_eq!(result["data"]["hop_limit"], 62, "two routers on the way");
        let (code, out, err) = world.diag_as_nobody("a", &["trace", target, "--no-names", "--json"]);
        assert_eq!(code, 0, "{out} {err}");
        assert_eq!(way(&serde_json::from_str(&out).unwrap()).len(), 3);
    }
    // Errors of routers reach a datagram socket, too.
    world.on("r1", "route add prohibit 10.77.8.0/24");
    let ping = ["ping", "10.77.8.8", "-n", "2", "-i", "500ms", "-t", "500ms"];
    until("10.77.1.2 says: a filter forbids it", || world.diag_as_nobody("a", &ping));
    world.set("a", "net/ipv4/ping_group_range", "1 0");
    let (code, _, err) = world.diag_as_nobody("a", &["ping", "10.77.3.2", "-n", "1"]);
    assert_eq!(code, 4, "{err}");
    assert!(err.contains("net.ipv4.ping_group_range is `1 0`") && err.contains("group 65534"), "{err}");
    assert_eq!(world.diag_as_nobody("a", &["trace", "10.77.3.2", "--no-names"]).0, 0, "a trace needs no such leave");
}

#[test]
fn ports_are_open_closed_filtered_or_refused() {
    let Some(mut world) = World::build() else { return };
    let script = world.file("server.py", include_str!("http.py"));
    world.start("b", "python3", &[&script, "10.77.3.2"], "ready");
    world.on("r2", "route add blackhole 10.77.9.0/24");
    world.on("r2", "route add prohibit 10.77.8.0/24");
    let state = |args: &[&str]| {
        let all: Vec<&str> = ["port"].iter().chain(args).copied().collect();
        let (code, result) = world.json("a", &all);
        let port = result["data"]["ports"][0].clone();
        (code, port["state"].as_str().unwrap().to_owned(), port)
    };
    let (code, word, port) = state(&["10.77.3.2", "8080"]);
    assert_eq!((code, word.as_str()), (0, "open"));
    assert!(port["rtt_us"].as_u64().unwrap() < 1_000_000);
    assert_eq!(state(&["10.77.3.2", "8081"]).1, "closed");
    let (code, word, _) = state(&["10.77.9.9", "8080", "-t", "500ms"]);
    assert_eq!((code, word.as_str()), (1, "timed_out"));
    let (code, word, port) = state(&["10.77.8.8", "8080"]);
    assert_eq!((code, word.as_str(), port["reason"].as_str()), (4, "unreachable", Some("prohibited")), "{port}");
    assert!(port["from"].as_str().is_some_and(|ip| ip.starts_with("10.77.2.")), "{port}");
    let (code, word, port) = state(&["10.77.3.2", "9999", "-u"]);
    assert_eq!((code, word.as_str(), port["from"].as_str()), (1, "closed", Some("10.77.3.2")));
    let (code, word, _) = state(&["10.77.9.9", "9999", "-u", "-t", "500ms"]);
    assert_eq!((code, word.as_str()), (3, "open_or_filtered"));
}

#[test]
fn bandwidth_is_that_of_a_limited_link() {
    let Some(mut world) = World::build() else { return };
    let script = world.file("server.py", include_str!("http.py"));
    world.start("b", "python3", &[&script, "10.77.3.2"], "ready");
    let url = "http://10.77.3.2:8080/";
    let limit = "tbf rate 8mbit burst 16kb latency 100ms";
    if let Err(why) = world.shape("r2", "w2", limit).and_then(|()| world.shape("a", "e1", limit)) {
        not_checked(&format!("bandwidth over a link limited by tbf: {why}"));
        return;
    }
    for (what, extra) in [("download", &[][..]), ("download over three", &["-P", "3"]), ("upload", &["-u"])] {
        let mut args = vec!["bandwidth", url, "-d", "4s", "--warm-up", "1500ms"];
        args.extend(extra);
        let (code, result) = world.json("a", &args);
        let bps = result["data"]["bits_per_second"].as_f64().unwrap();
        eprintln!("{what}: {:.3} Mbit/s over a link of 8", bps / 1e6);
        // Headers take 4 to 5 percent; an upload is counted when the socket takes it.
        let most = if what == "upload" { 9.2e6 } else { 8.1e6 };
        assert!(code == 0 && (6.4e6..most).contains(&bps), "{what}: {result}");
    }
}

#[test]
fn a_real_name_server_answers() {
    let Some(mut world) = World::build() else { return };
    let conf = world.file(
        "dnsmasq.conf",
        "no-resolv\nno-hosts\nlisten-address=10.77.3.2\nbind-interfaces\npid-file=\nlog-facility=-\nuser=root\n\
         host-record=www.lab.test,10.9.8.7,fd77:9::7,120\ncname=alias.lab.test,www.lab.test\n\
         mx-host=lab.test,mail.lab.test,10\ntxt-record=lab.test,v=lab1\nauth-ttl=60\nlocal=/lab.test/\n\
         local=/77.10.in-addr.arpa/\nptr-record=2.1.77.10.in-addr.arpa,r1.lab.test\n\
         ptr-record=2.3.77.10.in-addr.arpa,b.lab.test\n",
    );
    let script = "dnsmasq --keep-in-foreground --log-debug --conf-file=\"$1\" 2>&1";
    world.start("b", "sh", &["-c", &format!("exec {script}"), "sh", &conf], "started");
    world.resolver("a", "10.77.3.2");
    let ask = |args: &[&str]| {
        let all: Vec<&str> = ["dns"].iter().chain(args).copied().collect();
        let (code, result) = world.json("a", &all);
        let of = |a: &Json| {
            let values: Vec<String> =
                a["records"].as_array().unwrap().iter().map(|r| r["value"].as_str().unwrap().to_owned()).collect();
            (a["type"].as_str().unwrap().to_owned(), a["outcome"].as_str().unwrap().to_owned(), values)
        };
        let answers: Vec<_> = result["data"]["answers"].as_array().unwrap().iter().map(of).collect();
        (code, answers, result)
    };
    let (code, answers, result) = ask(&["alias.lab.test"]);
    assert_eq!(code, 0, "{result}");
    assert_eq!(answers[0].2, ["www.lab.test.", "10.9.8.7"], "the server of /etc/resolv.conf");
    assert_eq!(answers[1].2, ["www.lab.test.", "fd77:9::7"]);
    assert_eq!(result["data"]["answers"][0]["server"], "10.77.3.2:53");
    assert_eq!(result["data"]["answers"][0]["records"][1]["ttl_s"], 120);
    let (code, answers, _) = ask(&["lab.test", "-T", "MX,TXT,CNAME", "-S", "10.77.3.2"]);
    assert_eq!((code, answers[0].2.as_slice()), (0, &["10 mail.lab.test.".to_owned()][..]));
    assert!(answers[1].2[0].contains("v=lab1") && answers[2].1 == "no_data", "{answers:?}");
    let (code, answers, _) = ask(&["nowhere.lab.test", "--tcp"]);
    assert_eq!((code, answers[0].1.as_str()), (1, "nxdomain"));
    let (code, answers, _) = ask(&["10.77.1.2"]);
    assert_eq!((code, answers[0].0.as_str(), answers[0].2[0].as_str()), (0, "PTR", "r1.lab.test."));
    let (code, answers, _) = ask(&["elsewhere.example"]);
    assert_eq!((code, answers[0].1.as_str()), (1, "refused"), "it has nobody to ask");
    let (code, answers, _) = ask(&["www.lab.test", "-S", "10.77.3.1", "-t", "300ms"]);
    assert_eq!((code, answers[0].1.as_str()), (4, "unreachable"), "nothing listens there");

    // The names of hops come from the same server; one has none.
    let (_, result) = world.json("a", &["trace", "10.77.3.2"]);
    let name = |i: usize| result["data"]["hops"][i]["probes"][0]["name"].as_str();
    assert_eq!([name(0), name(1), name(2)], [Some("r1.lab.test"), None, Some("b.lab.test")], "{result}");
    // A host by its name, through the system's resolver.
    let (code, out, err) = world.diag("a", &["ping", "nowhere.lab.test", "-n", "1"]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("cannot be resolved"), "{err}");
}
