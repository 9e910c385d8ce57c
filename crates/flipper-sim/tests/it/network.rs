//! The network in memory: what TCP does, and what is done to it.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use flipper_async::Runtime as _;
use flipper_sim::{Connect, Fault, FaultKind, Place, Plan, RecordPart, Sim, SimRuntime, SimStream};
use futures_util::future::join;
use futures_util::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::rig::secs;

const PORT: u16 = 9_000;

/// Two ends of a connection, the dialling one first, which was made by this plan.
async fn connected(sim: &Sim, plan: Plan) -> (SimRuntime, SimStream, SimStream) {
    sim.plan(move |_, _| plan.clone());
    let process = sim.process("p");
    let listener = process.bind(SocketAddr::from(([127, 0, 0, 1], PORT))).await.unwrap();
    let (dialled, accepted) = join(process.connect("localhost".to_owned(), PORT), process.accept(&listener)).await;
    (process, dialled.unwrap(), accepted.unwrap().0)
}

fn plan(change: impl FnOnce(&mut Plan)) -> Plan {
    let mut plan = Plan::default();
    change(&mut plan);
    plan
}

fn with_fault(at: Place, kind: FaultKind) -> Plan {
    plan(|plan| plan.up.push(Fault { at, kind }))
}

async fn read_all(stream: &mut SimStream) -> (Vec<u8>, Option<ErrorKind>) {
    let mut bytes = Vec::new();
    let error = stream.read_to_end(&mut bytes).await.err().map(|error| error.kind());
    (bytes, error)
}

#[test]
fn bytes_arrive_in_order_and_after_a_while() {
    let sim = Sim::new(1);
    sim.run(async {
        let (process, mut near, mut far) = connected(&sim, plan(|plan| plan.latency = Duration::from_millis(20))).await;
        let begin = process.elapsed();
        near.write_all(b"there").await.unwrap();
        let mut buf = [0; 5];
        far.read_exact(&mut buf).await.unwrap();
        far.write_all(b"back").await.unwrap();
        near.read_exact(&mut buf[..4]).await.unwrap();
        assert_eq!(&buf, b"backe");
        assert_eq!(process.elapsed() - begin, Duration::from_millis(40));
    })
    .unwrap();
}

#[test]
fn a_writer_waits_for_a_reader() {
    let sim = Sim::new(1);
    sim.run(async {
        let (process, mut near, mut far) = connected(&sim, plan(|plan| plan.capacity = 1_000)).await;
        let bytes: Vec<u8> = (0..100_000_u32).map(|number| number.to_le_bytes()[0]).collect();
        assert!(
            process.within(secs(1), near.write_all(&bytes)).await.is_none(),
            "more was taken than there is room for"
        );
        drop(near);
        let (arrived, _) = read_all(&mut far).await;
        assert_eq!(arrived, bytes[..1_000]);

        let (_, mut near, mut far) = connected(&sim, plan(|plan| plan.capacity = 1_000)).await;
        let write = async {
            near.write_all(&bytes).await.unwrap();
            near.close().await.unwrap();
        };
        let (((), near), (arrived, error)) = join(async { (write.await, ()) }, read_all(&mut far)).await;
        let () = near;
        assert_eq!((arrived == bytes, error), (true, None));
    })
    .unwrap();
}

#[test]
fn a_direction_that_is_closed_leaves_the_other_open() {
    let sim = Sim::new(1);
    sim.run(async {
        let (_, mut near, mut far) = connected(&sim, Plan::default()).await;
        near.write_all(b"last").await.unwrap();
        near.close().await.unwrap();
        assert_eq!(near.write(b"more").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
        assert_eq!(read_all(&mut far).await, (b"last".to_vec(), None));
        far.write_all(b"answer").await.unwrap();
        drop(far);
        assert_eq!(read_all(&mut near).await, (b"answer".to_vec(), None));
    })
    .unwrap();
    assert_eq!(sim.connections(), 0);
}

#[test]
fn who_leaves_something_unread_resets() {
    let sim = Sim::new(1);
    sim.run(async {
        let (process, mut near, mut far) = connected(&sim, Plan::default()).await;
        near.write_all(b"unread").await.unwrap();
        far.write_all(b"answer").await.unwrap();
        process.sleep(secs(1)).await;
        drop(far);
        assert_eq!(read_all(&mut near).await, (b"answer".to_vec(), Some(ErrorKind::ConnectionReset)));
        assert_eq!(near.write(b"more").await.unwrap_err().kind(), ErrorKind::ConnectionReset);

        // Who writes to somebody who has left learns it a little later.
        let (process, mut near, far) = connected(&sim, Plan::default()).await;
        drop(far);
        process.sleep(secs(1)).await;
        near.write_all(b"into the void").await.unwrap();
        process.sleep(secs(1)).await;
        assert_eq!(near.write(b"more").await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    })
    .unwrap();
}

#[test]
fn nobody_listens_or_everybody_is_kept_out() {
    let sim = Sim::new(1);
    let process = sim.process("p");
    sim.run(async {
        let connect = |host: &str| process.connect(host.to_owned(), PORT);
        assert_eq!(connect("localhost").await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
        assert_eq!(connect("nowhere.example").await.unwrap_err().kind(), ErrorKind::NotFound);
        let at = SocketAddr::from(([127, 0, 0, 1], PORT));
        let listener = process.bind(at).await.unwrap();
        assert_eq!(process.bind(at).await.unwrap_err().kind(), ErrorKind::AddrInUse);
        assert!(connect("127.0.0.1").await.is_ok());
        assert_eq!(connect("[::1]").await.unwrap_err().kind(), ErrorKind::ConnectionRefused);

        // Nobody takes it before the listener is gone.
        let mut waiting = connect("localhost").await.unwrap();
        drop(listener);
        assert_eq!(read_all(&mut waiting).await.1, Some(ErrorKind::ConnectionReset));

        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let (one, two) = (process.bind(any).await.unwrap(), process.bind(any).await.unwrap());
        let ports = [&one, &two].map(|listener| process.local_address(listener).unwrap().port());
        assert!(ports[0] != ports[1] && !ports.contains(&0), "{ports:?}");
    })
    .unwrap();
}

#[test]
fn lost_connections_are_tried_again_and_given_up() {
    let sim = Sim::new(1);
    let process = sim.process("p");
    sim.run(async {
        let _listener = process.bind(SocketAddr::from(([127, 0, 0, 1], PORT))).await.unwrap();
        for (until, expected) in [(2, Ok(3)), (10, Ok(15)), (1_000, Err(ErrorKind::TimedOut))] {
            sim.plan(move |dial, _| plan(|plan| plan.connect = Connect::Lost { until: dial.now + secs(until) }));
            let begin = process.elapsed();
            let connected = process.connect("127.0.0.1".to_owned(), PORT).await.map_err(|error| error.kind());
            assert_eq!(connected.map(|_| (process.elapsed() - begin).as_secs()), expected);
        }
        sim.plan(|_, _| plan(|plan| plan.connect = Connect::Refused));
        let refused = process.connect("localhost".to_owned(), PORT).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    })
    .unwrap();
    assert_eq!((sim.injected().lost, sim.injected().refused), (3, 2));
}

#[test]
fn faults_strike_at_their_byte() {
    for (kind, error) in [(FaultKind::Reset, Some(ErrorKind::ConnectionReset)), (FaultKind::Eof, None)] {
        let sim = Sim::new(1);
        sim.run(async {
            let (process, mut near, mut far) = connected(&sim, with_fault(Place::Byte(7), kind)).await;
            // Whoever writes learns of it later.
            let _learnt = near.write_all(b"0123456789").await;
            process.sleep(secs(1)).await;
            assert_eq!(read_all(&mut far).await, (b"0123456".to_vec(), error));
            assert!(near.write(b"more").await.is_err());
            assert_eq!(read_all(&mut near).await.1, error);
        })
        .unwrap();
        assert_eq!(sim.injected().resets + sim.injected().ends, 1);
    }
}

#[test]
fn faults_strike_at_their_record() {
    let record = |length: u8| [&[22, 3, 3, 0, length][..], &vec![7; length.into()]].concat();
    let stream = [record(10), record(20), record(0), record(30)].concat();
    for (number, part, expected) in [
        (0, RecordPart::Start, 0),
        (0, RecordPart::Middle, 10),
        (1, RecordPart::Start, 15),
        (1, RecordPart::Middle, 30),
        (1, RecordPart::End, 40),
        (2, RecordPart::Middle, 45),
        (3, RecordPart::End, 80),
        (4, RecordPart::Middle, 80),
    ] {
        for piece in [1, 3, 100] {
            let sim = Sim::new(1);
            let arrived = sim
                .run(async {
                    let plan = with_fault(Place::Record { number, part }, FaultKind::Eof);
                    let (_process, mut near, mut far) = connected(&sim, plan).await;
                    for piece in stream.chunks(piece) {
                        let _learnt = near.write_all(piece).await;
                    }
                    drop(near);
                    read_all(&mut far).await.0
                })
                .unwrap();
            assert_eq!(arrived, stream[..expected], "{number} {part:?} in pieces of {piece}");
        }
    }
}

#[test]
fn silence_ends_or_resets() {
    for reset in [false, true] {
        let sim = Sim::new(1);
        sim.run(async {
            let kind = FaultKind::Silence { until: secs(100), reset };
            let (process, mut near, mut far) = connected(&sim, with_fault(Place::Byte(3), kind)).await;
            near.write_all(b"012345").await.unwrap();
            near.close().await.unwrap();
            let mut bytes = [0; 3];
            far.read_exact(&mut bytes).await.unwrap();
            assert!(process.within(secs(50), far.read(&mut bytes)).await.is_none());
            // The other direction hears and is heard.
            far.write_all(b"hello?").await.unwrap();
            let mut answer = [0; 6];
            near.read_exact(&mut answer).await.unwrap();
            let (rest, error) = read_all(&mut far).await;
            assert!(process.elapsed() >= secs(100));
            if reset {
                assert_eq!((rest, error), (Vec::new(), Some(ErrorKind::ConnectionReset)));
            } else {
                assert_eq!((rest, error), (b"345".to_vec(), None));
            }
        })
        .unwrap();
        assert_eq!(sim.injected().silences, 1);
    }
}

#[test]
fn bytes_come_one_by_one_or_all_at_once_or_late() {
    let sim = Sim::new(1);
    sim.run(async {
        let every = Duration::from_millis(10);
        let kind = FaultKind::Dribble { bytes: 6, piece: 2, every };
        let (process, mut near, mut far) = connected(&sim, with_fault(Place::Byte(1), kind)).await;
        near.write_all(b"0123456789").await.unwrap();
        let (begin, mut buf) = (process.elapsed(), [0; 100]);
        let mut pieces = Vec::new();
        while pieces.iter().sum::<usize>() < 10 {
            pieces.push(far.read(&mut buf).await.unwrap());
        }
        assert_eq!(pieces, [1, 2, 2, 2, 3]);
        assert_eq!((process.elapsed() - begin).as_millis(), 30);

        let kind = FaultKind::Coalesce { bytes: 100, every: secs(1) };
        let (process, mut near, mut far) = connected(&sim, with_fault(Place::Byte(0), kind)).await;
        for piece in [b"01", b"23", b"45"] {
            near.write_all(piece).await.unwrap();
            process.sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(far.read(&mut buf).await.unwrap(), 6);

        let kind = FaultKind::Delay { bytes: 2, by: secs(5) };
        let (process, mut near, mut far) = connected(&sim, with_fault(Place::Byte(2), kind)).await;
        let begin = process.elapsed();
        near.write_all(b"012345").await.unwrap();
        assert_eq!(far.read(&mut buf).await.unwrap(), 2);
        // Nothing overtakes what is late.
        assert_eq!(far.read(&mut buf).await.unwrap(), 4);
        assert_eq!((process.elapsed() - begin).as_secs(), 5);
    })
    .unwrap();
}

#[test]
fn faults_cease_when_they_are_said_to() {
    let sim = Sim::new(1);
    sim.run(async {
        let mut plan = with_fault(Place::Byte(4), FaultKind::Reset);
        plan.until = secs(10);
        let (process, mut near, mut far) = connected(&sim, plan).await;
        near.write_all(b"012").await.unwrap();
        process.sleep(secs(10)).await;
        near.write_all(b"3456").await.unwrap();
        drop(near);
        assert_eq!(read_all(&mut far).await, (b"0123456".to_vec(), None));
    })
    .unwrap();
    assert_eq!(sim.injected().resets, 0);
}

#[test]
fn a_stalled_reader_takes_nothing_for_a_while() {
    let sim = Sim::new(1);
    sim.run(async {
        let kind = FaultKind::Stall { span: secs(20) };
        let (process, mut near, _far) = connected(&sim, with_fault(Place::Byte(2), kind)).await;
        let begin = process.elapsed();
        near.write_all(b"01").await.unwrap();
        assert_eq!(process.elapsed(), begin);
        near.write_all(b"2").await.unwrap();
        assert_eq!(process.elapsed() - begin, secs(20));
    })
    .unwrap();
}
