use super::*;

#[test]
fn rows_stand_in_the_order_of_the_enums() {
    let environments: Vec<_> = Environment::ALL.iter().map(|it| it.slug()).collect();
    assert_eq!(
        environments,
        ["office365", "us-gov-l4", "us-gov-l5", "china"]
    );
    let clouds: Vec<_> = SignInCloud::ALL.iter().map(|it| it.slug()).collect();
    assert_eq!(clouds, ["global", "us-gov", "china"]);
}

#[test]
fn both_login_hosts_of_china_are_its_authority() {
    for host in ["login.chinacloudapi.cn", "LOGIN.partner.microsoftonline.cn"] {
        assert_eq!(
            Site::of_host(host),
            Some(Site::Authority(SignInCloud::China))
        );
    }
}

#[test]
fn audiences_of_one_environment_are_not_those_of_another() {
    assert!(Environment::UsGovL4.accepts_audience("https://graph.microsoft.us/"));
    assert!(Environment::UsGovL4.accepts_audience("HTTPS://Graph.Microsoft.US"));
    assert!(Environment::UsGovL4.accepts_audience(GRAPH_APPLICATION_ID));
    assert!(!Environment::UsGovL5.accepts_audience("https://graph.microsoft.us"));
    assert!(!Environment::Office365.accepts_audience("https://graph.microsoft.com//"));
}

#[test]
fn a_foreign_host_is_none_of_ours() {
    assert_eq!(Site::of_host("api.github.com"), None);
    assert_eq!(
        Site::of_host("login-us.microsoftonline.com"),
        Some(Site::Retired(Some(900439)))
    );
}

#[test]
fn sites_stand_below_the_domain_of_their_environment() {
    for (host, environment) in [
        ("contoso.sharepoint.com", Environment::Office365),
        ("Contoso-my.SharePoint.com", Environment::Office365),
        ("contoso.sharepoint.us", Environment::UsGovL4),
        ("contoso.sharepoint-mil.us", Environment::UsGovL5),
        ("contoso.sharepoint.cn", Environment::China),
    ] {
        assert_eq!(Site::of_host(host), Some(Site::SharePoint(environment)));
    }
    for host in [
        "evilsharepoint.com",
        "a.b.sharepoint.com",
        ".sharepoint.com",
        "sharepoint.com.example",
    ] {
        assert_eq!(Site::of_host(host), None, "{host}");
    }
}

#[test]
fn device_code_addresses_lead_to_their_clouds() {
    for cloud in SignInCloud::ALL {
        let (host, path) = cloud.device_login_address();
        assert_eq!(Site::of_host(host), Some(Site::DeviceLogin), "{host}");
        let spelled = format!("{}/", path.to_uppercase());
        assert_eq!(SignInCloud::of_device_login_path(&spelled), Some(cloud));
    }
    assert_eq!(SignInCloud::of_device_login_path("/devicelogins"), None);
    assert_eq!(Site::of_host("login.contoso.microsoft.com"), None);
}

#[test]
fn an_issuer_is_the_clouds_or_an_address_of_the_mock() {
    let (cloud, tenant) = (SignInCloud::UsGov, "11111111-2222-3333-4444-555555555555");
    let addressed = Issuer::of_address(cloud, "https://localhost:8443");
    for issuer in [
        Issuer::of_cloud(cloud).v1(tenant),
        Issuer::of_cloud(cloud).v2(tenant),
        addressed.v1(tenant),
        addressed.v2(tenant),
        format!("http://127.0.0.1:9000/{tenant}/v2.0"),
    ] {
        assert!(Issuer::names(&issuer, cloud, tenant), "{issuer}");
        let other = "99999999-2222-3333-4444-555555555555";
        assert!(!Issuer::names(&issuer, cloud, other), "{issuer}");
    }
    for wrong in [
        format!("https://login.microsoftonline.com/{tenant}/v2.0"),
        format!("https://localhost:8443/{tenant}"),
        format!("https://localhost:8443/more/{tenant}/v2.0"),
        format!("ftp://localhost/{tenant}/"),
        String::new(),
    ] {
        assert!(!Issuer::names(&wrong, cloud, tenant), "{wrong}");
    }
}

#[test]
fn slugs_are_parsed_and_wrong_ones_named() {
    assert_eq!("us-gov-l5".parse(), Ok(Environment::UsGovL5));
    let refused = "usgov".parse::<Environment>().unwrap_err();
    assert!(refused.to_string().contains("us-gov-l4"), "{refused}");
}
